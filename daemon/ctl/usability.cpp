#include "daemon/ctl/usability.h"

#include <algorithm>

namespace danegate::ctl {

namespace {

/// Evidence of a credential that nobody has: whether a record differs from it or not says nothing, whether it can be
/// judged does.
core::Evidence evidence_of_nobody(Shown shown) {
  static const auto digest = core::Digest::parse(std::string(64, 'f'));
  core::Evidence evidence;
  evidence.tls = evidence.chain_trusted = true;
  if (shown != Shown::postfix_raw_key) evidence.certificate_digest = *digest;
  if (shown != Shown::sendmail) evidence.key_digest = *digest;
  if (shown == Shown::exim) evidence.certificate = core::Certificate{{0}, {0}, {}, {}};
  return evidence;
}

} // namespace

std::string_view token(Shown shown) noexcept {
  switch (shown) {
  case Shown::postfix: return "postfix";
  case Shown::postfix_raw_key: return "postfix-raw-key";
  case Shown::sendmail: return "sendmail";
  case Shown::exim: return "exim";
  }
  return "";
}

std::string_view words(Shown shown) noexcept {
  switch (shown) {
  case Shown::postfix: return "Postfix";
  case Shown::postfix_raw_key: return "Postfix (raw key)";
  case Shown::sendmail: return "Sendmail";
  case Shown::exim: return "Exim";
  }
  return "";
}

std::vector<WhyNot> usability(const core::Secure& answer, const core::DnsName& owner, core::HashFunction hash) {
  std::vector<WhyNot> records(answer.records.size());
  for (std::size_t i = 0; i < every_shown.size(); ++i) {
    const auto outcome = core::match(answer, evidence_of_nobody(every_shown[i]), owner, hash);
    for (std::size_t record = 0; record < records.size(); ++record) {
      const auto& judgement = outcome.records[record];
      if (judgement.verdict == core::RecordVerdict::unusable) records[record][i] = judgement.why;
    }
  }
  return records;
}

bool any_usable(const std::vector<WhyNot>& records) noexcept {
  return std::ranges::any_of(records, [](const WhyNot& why) {
    return std::ranges::any_of(why, [](std::string_view reason) { return reason.empty(); });
  });
}

} // namespace danegate::ctl
