#!/bin/sh
# Makes the certificates here and certificates.txt, what openssl says about them and about the recorded ones:
#
#     tests/data/tls/make.sh
#
# One row a certificate: file under tests/data | SHA-256 of the DER | SHA-256 of the SubjectPublicKeyInfo | first common
# name, or "-" | DNS names, space between, or "-". digests.txt: algorithm | text, or "-" for none | its digest.
set -eu
cd "$(dirname "$0")"

make() { # FILE SUBJECT EXTENSION...
    file=$1 subject=$2
    shift 2
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -days 36500 \
        -subj "$subject" -utf8 "$@" -out "$file" 2>/dev/null
}

make many-names.pem "/O=Acme/CN=first.example/CN=second.example" -addext \
    "subjectAltName=DNS:MTA1.Acme.example,DNS:*.acme.example,IP:192.0.2.1,email:a@acme.example,DNS:_x.acme.example"
make no-names.pem "/O=Acme"
make long-name.pem "/CN=$(printf 'a%.0s' $(seq 64))"
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -days 36500 -subj "/CN=rsa.example" -out rsa.pem 2>/dev/null

row() {
    pem=../$1
    cert=$(openssl x509 -in "$pem" -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1)
    key=$(openssl x509 -in "$pem" -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r |
        cut -d' ' -f1)
    name=$(openssl x509 -in "$pem" -noout -subject -nameopt multiline,utf8,-esc_msb |
        sed -n 's/ *commonName *= //p' | head -n 1)
    names=$(openssl x509 -in "$pem" -noout -ext subjectAltName 2>/dev/null | tr -d ' ' | tr ',' '\n' |
        sed -n 's/^DNS://p' | xargs)
    echo "$1 | $cert | $key | ${name:--} | ${names:--}"
}

(cd .. && ls tls/*.pem captures/certs/*.pem) | while read -r file; do row "$file"; done >certificates.txt

for algorithm in md5 sha1 sha256 sha384 sha512; do
    for text in "" "danegate"; do
        echo "$algorithm | ${text:--} | $(printf %s "$text" | openssl dgst -$algorithm -r | cut -d' ' -f1)"
    done
done >digests.txt
