// A new key with a certificate around it, for `danegate provision`.
//
// The certificate is an envelope that mail servers insist on: with usage 3 neither its dates nor its names count (RFC
// 7671 section 5.1), so it is signed by its own key and has no end. Any thread.
#pragma once

#include "daemon/core/dns_name.h"

#include <expected>
#include <string>

namespace danegate::tls {

/// Octets that are wiped when they are no longer needed.
class SecretBytes {
public:
  explicit SecretBytes(core::Bytes octets) noexcept : octets_(std::move(octets)) {}

  SecretBytes(SecretBytes&&) noexcept = default;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes& operator=(SecretBytes&&) = delete;
  ~SecretBytes();

  core::ByteView view() const noexcept { return octets_; }

private:
  core::Bytes octets_;
};

/// A PRIVATE KEY block (EC P-256) and a CERTIFICATE block over it, in the order in which Postfix's smtp_tls_chain_files
/// wants them. SAN dNSName and CN are the name; a name of more than 64 octets is no CN (RFC 5280 appendix A.1). The
/// error is for people.
std::expected<SecretBytes, std::string> make_credential(const core::DnsName& name);

} // namespace danegate::tls
