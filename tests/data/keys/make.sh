#!/bin/bash
# usage: tests/data/keys/make.sh
#
# Makes the files beside it anew: keys in the forms in which people have them, and what openssl says of them. They are
# nobody's keys. keys.txt: file | SHA-256 of the SubjectPublicKeyInfo, or the word "encrypted".
set -euo pipefail
cd "$(dirname "$0")"

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec-pkcs8.pem 2>/dev/null
openssl pkey -in ec-pkcs8.pem -outform DER -out ec-pkcs8.der
openssl pkey -in ec-pkcs8.pem -pubout -out ec-public.pem
openssl pkey -in ec-pkcs8.pem -pubout -outform DER -out ec-public.der
{ openssl ecparam -name prime256v1 && openssl pkey -in ec-pkcs8.pem -traditional; } >ec-traditional.pem
openssl pkey -in ec-pkcs8.pem -aes256 -passout pass:secret -out encrypted-pkcs8.pem
openssl pkey -in ec-pkcs8.pem -traditional -aes256 -passout pass:secret -out encrypted-traditional.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa-pkcs8.pem 2>/dev/null
openssl pkey -in rsa-pkcs8.pem -traditional -out rsa-traditional.pem
openssl genpkey -algorithm ED25519 -out ed25519-pkcs8.pem
{
  openssl req -x509 -key ec-pkcs8.pem -subj /CN=mta1.acme.example -days 3650
  cat rsa-pkcs8.pem
} >certificate-before-key.pem

digest() { # FILE FORM: public keys are said to be such
  local public=()
  case $1 in *public*) public=(-pubin) ;; esac
  openssl pkey -in "$1" "${public[@]}" -inform "$2" -pubout -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1
}

for file in *.pem *.der; do
  case $file in
  encrypted-*) echo "$file | encrypted" ;;
  *.der) echo "$file | $(digest "$file" DER)" ;;
  *) echo "$file | $(digest "$file" PEM)" ;;
  esac
done >keys.txt
