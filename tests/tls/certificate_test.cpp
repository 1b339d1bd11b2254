#include "daemon/tls/certificate.h"

#include "daemon/tls/hash.h"
#include "tests/support/catch.h"
#include "tests/support/vector_table.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

using namespace danegate;
using namespace danegate::test;
using tls::CertificateError;

namespace {

std::string path_of(const std::string& file) {
  return std::string(DANEGATE_TEST_DATA) + "/" + file;
}

std::string text_of(const std::string& file) {
  std::ifstream in(path_of(file), std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

core::Certificate certificate(const std::string& file) {
  auto parsed = tls::parse_pem_certificate(text_of(file));
  REQUIRE(parsed);
  return std::move(*parsed);
}

std::vector<std::string> names_of(const core::Certificate& certificate) {
  std::vector<std::string> names;
  for (const auto& name : certificate.dns_names)
    names.push_back(name.text());
  return names;
}

/// `der` with every occurrence of `from` (issuer, subject, subjectAltName) replaced by `to`, octet for octet.
core::Bytes patched(core::Bytes der, std::string_view from, std::string_view to) {
  REQUIRE(from.size() == to.size());
  const auto same = [](std::uint8_t octet, char c) { return octet == static_cast<std::uint8_t>(c); };
  auto at = std::search(der.begin(), der.end(), from.begin(), from.end(), same);
  REQUIRE(at != der.end());
  for (; at != der.end(); at = std::search(at, der.end(), from.begin(), from.end(), same))
    at = std::copy(to.begin(), to.end(), at);
  return der;
}

} // namespace

TEST_CASE("parse_pem_certificate: what openssl reads in the same files") {
  const auto rows = read_table("tls/certificates.txt", 5);
  REQUIRE(rows.size() == 9);
  for (const auto& row : rows) {
    INFO(row[0]);
    const auto parsed = certificate(row[0]);
    CHECK(tls::hash(core::DigestAlgorithm::sha256, parsed.der) == from_hex(row[1]));
    CHECK(tls::hash(core::DigestAlgorithm::sha256, parsed.spki_der) == from_hex(row[2]));
    CHECK(parsed.common_name == (row[3] == "-" ? "" : row[3]));
    std::vector<std::string> expected;
    if (row[4] != "-")
      for (const auto& name : split(row[4], " "))
        if (!name.starts_with('*')) expected.push_back(core::ascii_lower(name));
    CHECK(names_of(parsed) == expected);
  }
}

TEST_CASE("parse_certificate: names that count") {
  const auto many = certificate("tls/many-names.pem");
  CHECK(many.common_name == "first.example");                                                // not the second
  CHECK(names_of(many) == std::vector<std::string>{"mta1.acme.example", "_x.acme.example"}); // no wildcard, no address
}

TEST_CASE("parse_certificate: a name with a NUL or a control character is no name") {
  using std::string_view_literals::operator""sv;
  const auto der = certificate("captures/certs/self-signed.pem").der; // CN and SAN are mta1.partner.example
  const auto utf8 = certificate("captures/certs/utf8-cn.pem").der;    // CN "Zoë (cli) + host.example.org"

  struct Row {
    const char* what;
    const core::Bytes& der;
    std::string_view from;
    std::string_view to;
  };

  const Row rows[] = {
      {"NUL", der, "mta1.partner"sv, "mta1\0partner"sv},
      {"newline", der, "mta1.partner"sv, "mta1\npartner"sv},
      {"DEL", der, "mta1.partner"sv, "mta1\x7fpartner"sv},
      {"C1 control", utf8, "Zo\xc3\xab"sv, "Zo\xc2\x85"sv},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    const auto parsed = tls::parse_certificate(patched(row.der, row.from, row.to));
    REQUIRE(parsed); // the key in it can still match
    CHECK(parsed->common_name.empty());
    CHECK(parsed->dns_names.empty());
  }
}

TEST_CASE("parse_certificate: what is no certificate") {
  const auto good = certificate("captures/certs/self-signed.pem").der;
  auto longer = good;
  longer.push_back(0);
  const core::Bytes huge(tls::max_certificate + 1, 0x30);
  // subjectAltName 2.5.29.17: the length of its only name, which starts 12 octets into what the OID starts.
  auto bad_names = good;
  const std::array<std::uint8_t, 5> san_oid{0x06, 0x03, 0x55, 0x1D, 0x11};
  const auto san = std::ranges::search(bad_names, san_oid).begin();
  REQUIRE(san != bad_names.end());
  const auto name_length = std::find(san, bad_names.end(), 0x82) + 1; // [2] IA5String
  REQUIRE(*name_length == std::string_view("mta1.partner.example").size());
  ++*name_length;
  // The key's BIT STRING claims seven unused bits; DER wants them zero, so it would be encoded otherwise.
  auto bad_key = good;
  const std::array<std::uint8_t, 4> key_bits{0x03, 0x42, 0x00, 0x04};
  const auto key = std::ranges::search(bad_key, key_bits).begin();
  REQUIRE(key != bad_key.end());
  *(key + 2) = 7;
  *(key + 0x43) |= 1;

  struct Row {
    const char* what;
    core::Bytes der;
    CertificateError error;
  };

  const Row rows[] = {
      {"nothing", {}, CertificateError::not_a_certificate},
      {"noise", core::Bytes(100, 0x55), CertificateError::not_a_certificate},
      {"too large", huge, CertificateError::too_large},
      {"an octet more", longer, CertificateError::trailing_data},
      {"a name that is no UTF-8", patched(certificate("captures/certs/utf8-cn.pem").der, "Zo\xc3\xab", "Zo\xc3\xc3"),
       CertificateError::not_a_certificate},
      {"unreadable names", bad_names, CertificateError::bad_names},
      {"key not in DER", bad_key, CertificateError::bad_key_encoding},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    const auto parsed = tls::parse_certificate(row.der);
    REQUIRE_FALSE(parsed);
    CHECK(describe(parsed.error()) == describe(row.error));
  }
}

TEST_CASE("parse_certificate: cut anywhere it is none; with any bit flipped it does no harm") {
  const auto good = certificate("captures/certs/self-signed.pem").der;
  for (std::size_t size = 0; size < good.size(); ++size)
    if (tls::parse_certificate(core::ByteView(good).first(size))) FAIL("cut at " << size);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto changed = good;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto parsed = tls::parse_certificate(changed);
    if (parsed && parsed->der != changed) FAIL("bit " << bit);
  }
}

TEST_CASE("parse_pem_certificate: the first certificate of a file, whatever stands around it") {
  const auto self_signed = text_of("captures/certs/self-signed.pem");
  const auto other = text_of("captures/certs/ca.pem");
  const std::string key = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
  const auto expected = certificate("captures/certs/self-signed.pem").der;
  for (const auto& text : {self_signed + other, "some words\n" + self_signed, key + self_signed}) {
    const auto parsed = tls::parse_pem_certificate(text);
    REQUIRE(parsed);
    CHECK(parsed->der == expected);
  }
  for (const auto& text : {std::string(), std::string("no PEM"), key, self_signed.substr(0, self_signed.size() / 2)}) {
    INFO(text);
    const auto parsed = tls::parse_pem_certificate(text);
    REQUIRE_FALSE(parsed);
    CHECK(describe(parsed.error()) == describe(CertificateError::not_pem));
  }
  CHECK(tls::parse_pem_certificate(std::string(tls::max_pem + 1, '\n')).error() == CertificateError::too_large);
}

TEST_CASE("read_certificate: PEM or DER, and words for what is neither") {
  CHECK(tls::read_certificate(path_of("captures/certs/ca.pem"))->common_name == "Test CA");
  CHECK(tls::read_certificate(path_of("captures/certs/none.pem")).error() == "No such file or directory");
  CHECK(tls::read_certificate(path_of("tls/make.sh")).error() == "no CERTIFICATE block in PEM form");
  CHECK_FALSE(tls::read_certificate(DANEGATE_TEST_DATA));
}
