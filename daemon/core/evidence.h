// What a mail server vouches for about one TLS session.
//
// Made by a front end's codec from what the mail server sent; nothing here is a claim of the client but `subject`, and
// that only counts as a name to look up (claims.h).
#pragma once

#include "daemon/core/digest.h"
#include "daemon/core/dns_name.h"
#include "daemon/core/result.h"

#include <optional>
#include <string>
#include <vector>

namespace danegate::core {

/// A certificate that is itself at hand (an MTA that can send it). Made by tls/.
struct Certificate {
  Bytes der;
  Bytes spki_der;                 ///< SubjectPublicKeyInfo as it stands in the certificate
  std::string common_name;        ///< first subject CN, UTF-8; empty if none
  std::vector<DnsName> dns_names; ///< SAN dNSNames that are plain names; wildcard names are left out
};

struct Evidence {
  bool tls = false;
  /// False if the mail server left out every attribute that could describe a credential although TLS is on.
  bool complete = true;
  std::string tls_version; ///< e.g. "TLSv1.3"
  std::string cipher;
  std::optional<Digest> certificate_digest;
  std::optional<Digest> key_digest; ///< of the DER SubjectPublicKeyInfo
  std::optional<Certificate> certificate;
  bool chain_trusted = false; ///< the mail server found the chain valid for a client under its own CAs
  std::string defect;         ///< non-empty: what arrived could not be read, and why

  bool has_credential() const noexcept { return certificate_digest || key_digest || certificate; }

  /// A raw public key (RFC 7250): a key without a certificate around it.
  bool is_raw_key() const noexcept { return key_digest && !certificate_digest && !certificate; }
};

struct EvidenceProblem {
  Reason reason;
  std::string detail;
};

/// Why this evidence cannot be judged at all, if so: no_tls, no_evidence, no_certificate, bad_evidence or weak_digest.
/// None of these costs a DNS query.
std::optional<EvidenceProblem> find_problem(const Evidence& evidence);

} // namespace danegate::core
