// What verdicts and the state file read of a roster.
#include "daemon/core/roster.h"
#include "daemon/core/roster_digests.h"

#include <algorithm>

namespace danegate::core {

bool Roster::is_valid(Number number, std::int64_t now) const noexcept {
  const auto& slot = slots_[number];
  return states_[number].kind != Kind::none && slot.written <= now && now < expiry_of(slot);
}

/// The last refresh found nobody to answer it.
bool Roster::in_grace(Number number, std::int64_t now) const noexcept {
  const auto& slot = slots_[number];
  const auto& state = states_[number];
  if (state.kind != Kind::secure || state.reachable || slot.written > now || slot.signatures_end == 0) return false;
  const std::chrono::milliseconds grace = limits_.ttl.grace;
  const auto signatures_end = std::int64_t{slot.signatures_end} * 1000;
  return now >= expiry_of(slot) && now < std::min(expiry_of(slot) + grace.count(), signatures_end);
}

AnswerPtr Roster::answer_of(Number number) const {
  const auto& slot = slots_[number];
  TlsaAnswer answer{Absent{}, std::chrono::seconds{slot.ttl}, false, std::nullopt};
  if (slot.signatures_end != 0)
    answer.signatures_end = std::chrono::sys_seconds(std::chrono::seconds{slot.signatures_end});
  switch (states_[number].kind) {
  case Kind::none: return nullptr;
  case Kind::absent: break;
  case Kind::insecure: answer.outcome = Insecure{}; break;
  case Kind::secure:
    auto secure = decode_compact({slot.records.get(), slot.length});
    if (!secure) return nullptr;
    answer.outcome = std::move(*secure);
  }
  return std::make_shared<const TlsaAnswer>(std::move(answer));
}

std::optional<RosterAnswer> Roster::find(const DnsName& owner, TimePoint now) const {
  const auto at = milliseconds_of(now);
  const auto number = plan_->find(owner);
  if (!number) return std::nullopt;
  const bool valid = is_valid(*number, at);
  if (!valid && !in_grace(*number, at)) return std::nullopt;
  auto answer = answer_of(*number);
  if (!answer) return std::nullopt;
  return RosterAnswer{std::move(answer), !valid};
}

AnswerPtr Roster::last_secure(const DnsName& owner, TimePoint now) const {
  auto held = find(owner, now);
  return held && held->grace ? std::move(held->answer) : nullptr;
}

RosterCandidates Roster::candidates(const Evidence& evidence, TimePoint now) const {
  const auto at = milliseconds_of(now);
  RosterCandidates candidates;
  std::vector<Number> seen;
  for (const auto key : keys_of(evidence, hash_))
    digests_.for_each(key, [&](Number number) {
      if (!plan_->has(number) || std::ranges::find(seen, number) != seen.end()) return true;
      if (seen.size() == max_candidates) {
        candidates.more = true;
        return false;
      }
      seen.push_back(number);
      const bool valid = is_valid(number, at);
      const bool serves = valid || in_grace(number, at);
      if (auto answer = serves ? answer_of(number) : nullptr)
        candidates.found.push_back({plan_->name_of(number), {std::move(answer), !valid}});
      else
        candidates.lapsed.push_back(plan_->name_of(number));
      return true;
    });
  return candidates;
}

RosterDoubt Roster::doubt(std::size_t group, TimePoint now) {
  advance(now);
  if (group >= groups_.size()) return {1, Reason::dns_failure};
  const auto& counted = groups_[group];
  RosterDoubt doubt{counted.names - counted.resolved, counted.last_failure};
  const auto at = milliseconds_of(now);
  if (counted.names > 0 && doubt.unresolved == 0 && (at < latest_written_ || due_.is_behind(at)))
    doubt.unresolved = 1; // a small step back of the clock, or more has just expired than one call looks at
  return doubt;
}

std::optional<RosterRecord> Roster::record_of(Number number, TimePoint now) const {
  if (!plan_->has(number) || !is_valid(number, milliseconds_of(now))) return std::nullopt;
  const auto& slot = slots_[number];
  const auto answer = answer_of(number);
  if (!answer) return std::nullopt;
  return RosterRecord{TimePoint(std::chrono::milliseconds{slot.written}), std::chrono::milliseconds{slot.life},
                      *answer};
}

void Roster::restore(Number number, const RosterRecord& record, TimePoint now) {
  if (!plan_->has(number) || states_[number].kind != Kind::none) return;
  const auto* const secure = std::get_if<Secure>(&record.answer.outcome);
  if (secure && secure->records.size() + secure->malformed > limits_.records_per_name) return;
  // The limits may be other ones than when it was written.
  std::chrono::milliseconds life =
      std::min<std::chrono::milliseconds>(record.life, clamped_ttl(record.answer, limits_.ttl));
  if (record.answer.signatures_end)
    life = std::min<std::chrono::milliseconds>(life, TimePoint(*record.answer.signatures_end) - record.written);
  if (record.written > now || now >= record.written + life) return;
  keep(number, record.answer, record.written, life);
  auto flaws = flaws_of(record.answer, now);
  if (secure && index_digests(number, *secure)) flaws |= static_cast<std::uint8_t>(RosterFlaw::shared);
  slots_[number].flaws = flaws; // said before the restart
}

RosterCounts Roster::counts() const noexcept {
  const auto of = [&](Kind kind) { return kinds_[static_cast<std::size_t>(kind)]; };
  return {of(Kind::secure), of(Kind::absent), of(Kind::insecure), of(Kind::none)};
}

std::optional<std::chrono::sys_seconds> Roster::soonest_signature_end() const {
  std::uint32_t soonest = 0;
  for (Number number = 0; number < plan_->numbers(); ++number) {
    const auto end = slots_[number].signatures_end;
    if (states_[number].kind == Kind::secure && plan_->has(number) && end != 0 && (soonest == 0 || end < soonest))
      soonest = end;
  }
  if (soonest == 0) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds{soonest});
}

} // namespace danegate::core
