# shellcheck shell=bash
# The stage's DNS: a private root and the partner's zone below it, both signed, on one NSD on loopback.

zone_head() { # ORIGIN NAMESERVER
  echo "$1 3600 IN SOA $2 hostmaster.example. 1 3600 600 86400 300"
  echo "$1 3600 IN NS $2"
  echo "$2 3600 IN A 127.0.0.1"
}

sign_zone() { # ORIGIN FILE: signs FILE, leaves FILE.signed and the DS record in FILE.ds, the key in FILE.key
  local key
  key=$(cd "$stage/dns" && ldns-keygen -a ECDSAP256SHA256 -k -r /dev/urandom "$1")
  (cd "$stage/dns" && ldns-signzone -o "$1" -f "$2.signed" "$2" "$key" && mv "$key.ds" "$2.ds" && mv "$key.key" "$2.key")
}

make_zones() {
  mkdir "$stage/dns"
  {
    zone_head acme.example. ns.acme.example.
    echo "_smtp-client.mta1.acme.example. 3600 IN TLSA 3 1 1 $(spki_digest partner)"
  } >"$stage/dns/acme"
  sign_zone acme.example. acme
  {
    zone_head . ns.
    echo "acme.example. 3600 IN NS ns.acme.example."
    echo "ns.acme.example. 3600 IN A 127.0.0.1"
    cat "$stage/dns/acme.ds"
  } >"$stage/dns/root"
  sign_zone . root
}

start_nsd() {
  cat >"$stage/dns/nsd.conf" <<EOF
server:
  server-count: 1
  ip-address: 127.0.0.1
  port: $dns_port
  do-ip6: no
  username: nsd
  zonesdir: "$stage/dns"
  database: ""
  logfile: "$stage/log/nsd"
  pidfile: ""
  xfrdfile: "$stage/dns/xfrd.state"
  xfrdir: "$stage/dns"
  zonelistfile: "$stage/dns/zone.list"
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "root.signed"
zone:
  name: "acme.example."
  zonefile: "acme.signed"
EOF
  : >"$stage/log/nsd"
  chown nsd "$stage/dns" "$stage/log/nsd"
  launch "$stage/log/nsd" nsd -d -c "$stage/dns/nsd.conf"
  wait_for "the name server" "$stage/log/nsd" dns_answers
}

dns_answers() {
  timeout 1 drill -p "$dns_port" @127.0.0.1 acme.example SOA | grep -q 'rcode: NOERROR'
}
