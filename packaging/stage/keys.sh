# shellcheck shell=bash
# Keys and certificates of the stage: the mail server's own, the partner's, and an impostor's. All self-signed: no CA has
# a part in this.

make_credential() { # NAME COMMON-NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 -subj "/CN=$2" \
    -keyout "$stage/keys/$1.key" -out "$stage/keys/$1.pem" 2>>"$stage/log/openssl"
}

make_keys() {
  (umask 077 && mkdir "$stage/keys")
  make_credential server mx.example.net
  make_credential partner mta1.acme.example
  make_credential impostor mta1.acme.example
}

# SHA-256 of the key as it stands in a certificate: the data of a "3 1 1" record.
spki_digest() { # NAME
  openssl x509 -in "$stage/keys/$1.pem" -noout -pubkey | openssl pkey -pubin -outform DER |
    openssl dgst -sha256 -r | cut -d' ' -f1
}
