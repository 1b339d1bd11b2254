#include "daemon/core/tlsa_match.h"

#include <algorithm>
#include <array>

namespace danegate::core {

namespace {

constexpr std::string_view unusable_malformed = "malformed: wrong length for its matching type";
constexpr std::string_view unusable_usage = "unknown certificate usage";
constexpr std::string_view unusable_selector = "unknown selector";
constexpr std::string_view unusable_matching = "unknown matching type";
constexpr std::string_view unusable_chain = "usages 0 and 2 need the issuing certificates, which the mail server does "
                                            "not send";
constexpr std::string_view unusable_pkix_ee = "usage 1 needs the certificate itself, which the mail server does not "
                                              "send";
constexpr std::string_view unusable_no_certificate = "selector 0 needs a certificate, and the client has only a key";
constexpr std::string_view unusable_no_key = "selector 1 needs the key's digest, which the mail server does not send";
constexpr std::string_view unusable_digest = "the mail server sends another digest than this matching type's";
constexpr std::string_view weaker_digest = "a stronger digest is published for the same usage and selector";
constexpr std::string_view differs_data = "another credential";
constexpr std::string_view differs_trust = "usage 1: the mail server does not trust the certificate's chain";
constexpr std::string_view differs_name = "usage 1: the name is not among the certificate's dNSNames";

DigestAlgorithm algorithm_of(std::uint8_t matching) noexcept {
  return matching == TlsaRecord::sha2_512 ? DigestAlgorithm::sha512 : DigestAlgorithm::sha256;
}

/// What one selector of the evidence can be compared with.
struct Subject {
  const std::optional<Digest>* digest;
  const Bytes* der; ///< null unless the certificate is at hand
};

Subject subject_of(const Evidence& evidence, std::uint8_t selector) noexcept {
  if (selector == TlsaRecord::cert)
    return {&evidence.certificate_digest, evidence.certificate ? &evidence.certificate->der : nullptr};
  return {&evidence.key_digest, evidence.certificate ? &evidence.certificate->spki_der : nullptr};
}

/// Why the record cannot be judged with this evidence; empty if it can.
std::string_view unusable_because(const TlsaRecord& record, const Evidence& evidence) noexcept {
  if (record.usage > TlsaRecord::dane_ee) return unusable_usage;
  if (record.selector > TlsaRecord::spki) return unusable_selector;
  if (record.matching > TlsaRecord::sha2_512) return unusable_matching;
  if (record.malformed()) return unusable_malformed;
  if (record.usage == TlsaRecord::pkix_ta || record.usage == TlsaRecord::dane_ta) return unusable_chain;
  if (record.usage == TlsaRecord::pkix_ee && !evidence.certificate) return unusable_pkix_ee;
  const auto subject = subject_of(evidence, record.selector);
  if (subject.der) return {};
  if (!*subject.digest) return record.selector == TlsaRecord::cert ? unusable_no_certificate : unusable_no_key;
  if (record.matching != TlsaRecord::full && (*subject.digest)->algorithm() != algorithm_of(record.matching))
    return unusable_digest;
  return {};
}

bool data_matches(const TlsaRecord& record, const Evidence& evidence, HashFunction hash) {
  const auto subject = subject_of(evidence, record.selector);
  if (record.matching == TlsaRecord::full) {
    if (subject.der) return record.data == *subject.der;
    return hash((*subject.digest)->algorithm(), record.data) == (*subject.digest)->bytes();
  }
  if (subject.der) return hash(algorithm_of(record.matching), *subject.der) == record.data;
  return (*subject.digest)->bytes() == record.data;
}

bool has_reference_name(const Certificate& certificate, const DnsName& reference) {
  const auto host = reference.first_label().starts_with('_') ? reference.parent() : std::nullopt;
  return std::ranges::any_of(certificate.dns_names,
                             [&](const DnsName& name) { return name == reference || (host && name == *host); });
}

RecordJudgement compare(const TlsaRecord& record, const Evidence& evidence, const DnsName& reference,
                        HashFunction hash) {
  if (!data_matches(record, evidence, hash)) return {RecordVerdict::differs, differs_data};
  if (record.usage == TlsaRecord::pkix_ee) {
    if (!evidence.chain_trusted) return {RecordVerdict::differs, differs_trust};
    if (!has_reference_name(*evidence.certificate, reference)) return {RecordVerdict::differs, differs_name};
  }
  return {RecordVerdict::matches, {}};
}

/// Digest agility (RFC 7671 section 9): the strongest digest that survived, per usage and selector; 0 if none.
using Strongest = std::array<std::array<std::uint8_t, 2>, 4>;

Strongest strongest_digests(const Secure& answer, const std::vector<RecordJudgement>& judged) {
  Strongest strongest{};
  for (std::size_t i = 0; i < judged.size(); ++i) {
    if (judged[i].verdict == RecordVerdict::unusable) continue;
    const auto& record = answer.records[i];
    auto& best = strongest[record.usage][record.selector];
    best = std::max(best, record.matching);
  }
  return strongest;
}

} // namespace

MatchOutcome match(const Secure& answer, const Evidence& evidence, const DnsName& reference, HashFunction hash) {
  MatchOutcome outcome{MatchVerdict::unusable, std::nullopt, {}, {}};
  outcome.records.reserve(answer.records.size());
  for (const auto& record : answer.records) {
    const auto why = unusable_because(record, evidence);
    outcome.records.push_back({why.empty() ? RecordVerdict::differs : RecordVerdict::unusable, why});
  }
  const auto strongest = strongest_digests(answer, outcome.records);
  for (std::size_t i = 0; i < outcome.records.size(); ++i) {
    auto& judgement = outcome.records[i];
    if (judgement.verdict == RecordVerdict::unusable) continue;
    const auto& record = answer.records[i];
    if (record.matching != TlsaRecord::full && record.matching != strongest[record.usage][record.selector]) {
      judgement = {RecordVerdict::unusable, weaker_digest};
      continue;
    }
    judgement = compare(record, evidence, reference, hash);
    if (judgement.verdict == RecordVerdict::matches && !outcome.matched) outcome.matched = i;
    outcome.verdict = MatchVerdict::mismatch;
  }
  if (outcome.matched) outcome.verdict = MatchVerdict::match;
  if (outcome.verdict == MatchVerdict::unusable)
    outcome.why = outcome.records.empty() ? unusable_malformed : outcome.records.front().why;
  return outcome;
}

} // namespace danegate::core
