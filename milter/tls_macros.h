// What a mail server's macros say about TLS. Pure.
//
// Sendmail sends the whole certificate's fingerprint and its own verdict on the chain, which is evidence itself.
// Postfix sends neither, only the protocol and the cipher: its evidence comes by the policy protocol
// (service/evidence_join.h).
#pragma once

#include "daemon/core/evidence.h"
#include "milter/macros.h"

#include <string>

namespace danegate::milter {

struct TlsMacros {
  std::string version;     ///< {tls_version}; empty: no TLS
  std::string cipher;      ///< {cipher}
  std::string verify;      ///< {verify}: OK, FAIL, NO, NOT, NONE, TEMP, ...
  std::string fingerprint; ///< {cert_fp}: the configured digest of the certificate
  std::string md5;         ///< {cert_md5}: sent in place of {cert_fp} where none is configured
  std::string subject;     ///< {cn_subject}: CN as xtext

  static TlsMacros read(const Macros& macros);

  bool tls() const noexcept { return !version.empty(); }

  /// The mail server says about the certificate what Sendmail says, whatever it may be.
  bool has_evidence() const noexcept { return !verify.empty() || !fingerprint.empty() || !md5.empty(); }

  /// The certificate's digest as evidence. Complete if the mail server says that none was presented ({verify} NO or
  /// NOT), or gives a digest; MD5 is given too, and refused as weak by the core.
  core::Evidence evidence() const;

  /// The CN, where the mail server vouches for it; empty otherwise. Sendmail's stand-ins for a CN that it could not use
  /// ("BadCertificateUnknown") are none.
  std::string vouched_subject() const;
};

} // namespace danegate::milter
