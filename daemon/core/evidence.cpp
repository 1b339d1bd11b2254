#include "daemon/core/evidence.h"

namespace danegate::core {

std::optional<EvidenceProblem> find_problem(const Evidence& evidence) {
  if (!evidence.tls) return EvidenceProblem{Reason::no_tls, ""};
  if (!evidence.defect.empty()) return EvidenceProblem{Reason::bad_evidence, evidence.defect};
  if (!evidence.complete) return EvidenceProblem{Reason::no_evidence, "the request has no fingerprint attributes"};
  if (!evidence.has_credential()) return EvidenceProblem{Reason::no_certificate, ""};
  for (const auto* digest : {&evidence.certificate_digest, &evidence.key_digest}) {
    if (!*digest) continue;
    if ((*digest)->weak())
      return EvidenceProblem{Reason::weak_digest,
                             std::string(name_of((*digest)->algorithm())) +
                                 " fingerprint; set smtpd_tls_fingerprint_digest = sha256 (Postfix) or "
                                 "confCERT_FINGERPRINT_ALGORITHM to sha256 (Sendmail)"};
    if ((*digest)->is_known_constant())
      return EvidenceProblem{Reason::bad_evidence, "the fingerprint is a known constant, not that of a credential"};
  }
  return std::nullopt;
}

} // namespace danegate::core
