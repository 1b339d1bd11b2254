# shellcheck shell=bash
# danegated on the stage: the partner's rules, the milter, the embedded resolver, and the stage's root instead of the
# Internet's.

write_danegate_toml() {
  cat <<EOF
[server]
user        = "nobody"
authserv-id = "mx.example.net"
state       = ""
origin      = "example.net"
control     = "unix:$stage/run/control"

[policy]
listen       = ["unix:$stage/run/policy"]
socket-group = "postfix"

[milter]
listen       = "unix:$stage/run/milter"
socket-group = "postfix"

[dns]
trust-anchor-files = ["$stage/dns/root.key"]
stub-zones         = [{ zone = ".", servers = ["127.0.0.1@$dns_port"] }]

[[service]]
name  = "smtp"
ports = [$smtp_port]
names = ["_smtp-client.{helo}", "_smtp-client.{subject}", "_smtp-client.{client}"]

[[rule]]
name       = "acme"
services   = ["smtp"]
senders    = ["acme.example", ".acme.example"]
identities = ["mta1.acme.example"]
text       = "Mail from acme.example must come from its own servers"

[[rule]]
name       = "acme-from"
services   = ["smtp"]
from       = ["acme.example", ".acme.example"]
identities = ["mta1.acme.example"]
text       = "Mail that says it is from acme.example must come from its own servers"
EOF
}

both_sockets() {
  [ -S "$stage/run/policy" ] && [ -S "$stage/run/milter" ]
}

start_danegated() {
  mkdir "$stage/run"
  chown nobody "$stage/run"
  write_danegate_toml >"$stage/danegate.toml"
  launch "$stage/log/danegated" "$bin_dir/danegated" --config "$stage/danegate.toml"
  wait_for "danegated" "$stage/log/danegated" both_sockets
}
