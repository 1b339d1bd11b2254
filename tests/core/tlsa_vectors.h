// The credentials and TLSA records of tests/data/tlsa, as openssl, ldns-dane, danetool and certtool made them
// (tests/data/make-tlsa-vectors).
#pragma once

#include "daemon/core/digest.h"
#include "daemon/core/evidence.h"
#include "daemon/core/tlsa_record.h"
#include "tests/support/vector_table.h"

#include <string>
#include <string_view>
#include <vector>

namespace danegate::test {

inline const std::vector<std::string> credential_names{"ec", "ec-issued", "ec-elsewhere", "other", "rsa", "ed25519"};

/// "3 1 1 3e98..." or, as ldns writes long data, without any break.
inline core::TlsaRecord parse_record(std::string_view text) {
  const auto cells = split(text, " ");
  if (cells.size() != 4) throw std::runtime_error("not a TLSA record: " + std::string(text));
  const auto octet = [](const std::string& cell) { return static_cast<std::uint8_t>(std::stoul(cell)); };
  return {octet(cells[0]), octet(cells[1]), octet(cells[2]), from_hex(cells[3])};
}

/// One line of records.txt: a record that `tool` made for `credential`.
struct RecordVector {
  std::string tool;
  std::string credential;
  core::TlsaRecord record;
};

inline std::vector<RecordVector> record_vectors() {
  std::vector<RecordVector> vectors;
  for (const auto& row : read_table("tlsa/records.txt", 4))
    vectors.push_back({row[0], row[1], parse_record(row[2] + ' ' + row[3])});
  return vectors;
}

/// DER of a credential's certificate (selector 0) or SubjectPublicKeyInfo (1), as OpenSSL has it.
inline core::Bytes der_of(const std::string& credential, std::uint8_t selector) {
  static const auto vectors = record_vectors();
  for (const auto& vector : vectors)
    if (vector.tool == "openssl" && vector.credential == credential && vector.record.selector == selector &&
        vector.record.matching == core::TlsaRecord::full)
      return vector.record.data;
  throw std::runtime_error("no vector for " + credential);
}

/// The fingerprint that OpenSSL writes for "cert" or "spki".
inline core::Digest digest_of(const std::string& credential, const std::string& what, const std::string& algorithm) {
  static const auto rows = read_table("tlsa/digests.txt", 5);
  for (const auto& row : rows)
    if (row[0] == "openssl" && row[1] == credential && row[2] == what && row[3] == algorithm)
      return core::Digest::parse(row[4]).value();
  throw std::runtime_error("no digest for " + credential);
}

/// What Postfix vouches for: both fingerprints.
inline core::Evidence fingerprints(const std::string& credential, const std::string& algorithm) {
  core::Evidence evidence;
  evidence.tls = true;
  evidence.certificate_digest = digest_of(credential, "cert", algorithm);
  evidence.key_digest = digest_of(credential, "spki", algorithm);
  return evidence;
}

/// A raw public key: its fingerprint and nothing else.
inline core::Evidence raw_key(const std::string& credential, const std::string& algorithm) {
  auto evidence = fingerprints(credential, algorithm);
  evidence.certificate_digest.reset();
  return evidence;
}

/// What a mail server that sends the certificate itself vouches for.
inline core::Evidence whole_certificate(const std::string& credential, bool trusted) {
  core::Certificate certificate{
      der_of(credential, core::TlsaRecord::cert), der_of(credential, core::TlsaRecord::spki), "mta1.acme.example", {}};
  const auto add = [&](const char* name) { certificate.dns_names.push_back(core::DnsName::parse(name).value()); };
  if (credential == "ec-issued") {
    add("mta1.acme.example");
    add("mta2.acme.example");
  }
  if (credential == "ec-elsewhere") add("elsewhere.example");
  core::Evidence evidence;
  evidence.tls = true;
  evidence.certificate = std::move(certificate);
  evidence.chain_trusted = trusted;
  return evidence;
}

} // namespace danegate::test
