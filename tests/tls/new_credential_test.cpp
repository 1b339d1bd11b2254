#include "daemon/tls/new_credential.h"

#include "daemon/tls/certificate.h"
#include "daemon/tls/public_key.h"
#include "tests/support/catch.h"

#include <openssl/err.h>

#include <string_view>

using namespace danegate;

namespace {

std::string text_of(const tls::SecretBytes& secret) {
  return {secret.view().begin(), secret.view().end()};
}

std::string make(std::string_view name) {
  const auto made = tls::make_credential(core::DnsName::parse(name).value());
  INFO(name);
  REQUIRE(made);
  CHECK(ERR_peek_error() == 0);
  return text_of(*made);
}

} // namespace

TEST_CASE("make_credential: a key, then the certificate over it") {
  const auto text = make("mta1.acme.example");
  CHECK(text.starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const auto certificate = tls::parse_pem_certificate(text);
  REQUIRE(certificate);
  CHECK(tls::parse_public_key(text) == certificate->spki_der);
  CHECK(certificate->common_name == "mta1.acme.example");
  REQUIRE(certificate->dns_names.size() == 1);
  CHECK(certificate->dns_names.front().text() == "mta1.acme.example");
}

TEST_CASE("make_credential: each key is another one") {
  CHECK(tls::parse_public_key(make("mta1.acme.example")) != tls::parse_public_key(make("mta1.acme.example")));
}

TEST_CASE("make_credential: a name too long for a CN stands in the subjectAltName alone") {
  const std::string label(31, 'a');
  const auto fits = label + '.' + label + ".x"; // 65 octets
  const auto certificate = tls::parse_pem_certificate(make(fits));
  REQUIRE(certificate);
  CHECK(certificate->common_name.empty());
  REQUIRE(certificate->dns_names.size() == 1);
  CHECK(certificate->dns_names.front().text() == fits);
  CHECK(tls::parse_pem_certificate(make(fits.substr(1)))->common_name == fits.substr(1));
}

TEST_CASE("make_credential: a device's name has an underscore label") {
  const auto certificate = tls::parse_pem_certificate(make("sensor7._device.example.com"));
  REQUIRE(certificate);
  CHECK(certificate->dns_names.front().text() == "sensor7._device.example.com");
}
