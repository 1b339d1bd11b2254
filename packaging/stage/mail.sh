# shellcheck shell=bash
# The stage's mail server: a Postfix instance of its own, with its own configuration, queue and data below $stage. The
# machine's own Postfix, running or not, configured or not, is neither asked nor touched.

# Raw public keys: prints why they cannot be shown here, or nothing.
no_raw_keys_because() {
  local parameters options
  parameters=$(postconf -d 2>/dev/null)
  options=$(openssl s_client -help 2>&1)
  if [[ $parameters != *smtpd_tls_enable_rpk* ]]; then
    echo "raw public keys need Postfix 3.9 or newer, this is $(postconf -d -h mail_version)"
  elif [[ $options != *-enable_client_rpk* ]]; then
    echo "raw public keys need OpenSSL 3.2 or newer, this is $(openssl version | cut -d' ' -f2)"
  fi
}

# A main.cf for one listener, and then the very lines that conf/ has for everybody.
write_main_cf() {
  cat <<EOF
compatibility_level = 3.6
queue_directory = $stage/postfix/queue
data_directory = $stage/postfix/data
maillog_file = $stage/log/mail
maillog_file_prefixes = $stage
myhostname = mx.example.net
myorigin = example.net
mydestination =
mynetworks = 192.0.2.0/24
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
virtual_mailbox_domains = example.net
virtual_mailbox_base = $stage/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_cert_file = $stage/keys/server.pem
smtpd_tls_key_file = $stage/keys/server.key
smtpd_tls_loglevel = 1

EOF
  sed -e '/^#/d' -e "s|unix:danegate/|unix:$stage/run/|" "$root"/conf/postfix-{partner,milter}.cf
  [ -n "$no_raw_keys" ] || echo "smtpd_tls_enable_rpk = yes"
}

write_master_cf() {
  cat <<EOF
127.0.0.1:$smtp_port inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
EOF
}

start_postfix() {
  mkdir -p "$stage"/postfix/{conf,queue,data} "$stage/mail"
  chown postfix "$stage/postfix/data"
  chown 65534:65534 "$stage/mail"
  write_main_cf >"$stage/postfix/conf/main.cf"
  write_master_cf >"$stage/postfix/conf/master.cf"
  postfix -c "$stage/postfix/conf" check >>"$stage/log/postfix" 2>&1 || {
    cat "$stage/log/postfix" >&2
    die "Postfix does not accept the stage's configuration"
  }
  launch "$stage/log/postfix" postfix -c "$stage/postfix/conf" start-fg
  wait_for "Postfix" "$stage/log/postfix" grep -q 'daemon started' "$stage/log/mail"
}
