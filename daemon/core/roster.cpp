#include "daemon/core/roster.h"

#include "daemon/core/overloaded.h"
#include "daemon/core/roster_digests.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace danegate::core {

namespace {

constexpr std::size_t most_at_once = 2000; ///< due times that one call of advance() looks at
/// How far a clock may step back (NTP) before what was written after its present time is dropped.
constexpr std::int64_t tolerated_step = 1000;

/// The longest pause between attempts at a name that fails: a minute, so that a client who is known by his key alone is
/// known again soon after his servers are back; but four attempts a second are enough for all that fail.
std::chrono::milliseconds longest_pause(std::size_t unresolved) noexcept {
  constexpr std::chrono::milliseconds shortest = std::chrono::minutes(1);
  constexpr std::chrono::milliseconds longest = Roster::max_backoff;
  constexpr std::chrono::milliseconds apart{250};
  const auto names = std::min<std::size_t>(unresolved, longest / apart);
  return std::max(shortest, static_cast<int>(names) * apart);
}

std::uint8_t bit(RosterFlaw flaw) noexcept {
  return static_cast<std::uint8_t>(flaw);
}

} // namespace

Roster::Roster(std::shared_ptr<const RosterPlan> plan, RosterLimits limits, HashFunction hash, TimePoint now)
    : limits_(limits), hash_(hash) {
  use(std::move(plan), limits, now);
}

void Roster::use(std::shared_ptr<const RosterPlan> plan, RosterLimits limits, TimePoint now) {
  limits_ = limits;
  latest_ = std::max(latest_, milliseconds_of(now));
  const auto before = std::exchange(plan_, std::move(plan));
  const bool keeps = before && plan_->based_on(before);
  const bool all_new = plan_->based_on(nullptr); // added() has every name
  const auto numbers = std::max(plan_->numbers(), keeps ? std::size_t{0} : slots_.size());
  slots_.resize(numbers);
  states_.resize(numbers);
  due_.resize(numbers);
  digests_.make_room(plan_->names());
  if (keeps) {
    for (const auto number : plan_->dropped())
      forget(number);
    for (; next_added_ < before->added().size(); ++next_added_) // never asked for, and not anew in this plan
      if (const auto number = before->added()[next_added_]; plan_->has(number)) queue(number);
  } else {
    for (Number number = 0; number < numbers; ++number)
      forget(number);
    for (Number number = 0; number < numbers && !all_new; ++number)
      if (plan_->has(number)) queue(number);
  }
  next_added_ = keeps || all_new ? 0 : plan_->added().size();
  count_all();
  ++revision_;
}

void Roster::count_all() {
  groups_.assign(plan_->groups(), Group{});
  kinds_ = {};
  for (Number number = 0; number < plan_->numbers(); ++number) {
    if (!plan_->has(number)) continue;
    const auto& state = states_[number];
    ++kinds_[state.counted ? static_cast<std::size_t>(state.kind) : 0];
    for (const auto group : plan_->groups_of(number)) {
      ++groups_[group].names;
      if (state.counted) ++groups_[group].resolved;
    }
  }
}

void Roster::count(Number number, bool resolved) {
  auto& state = states_[number];
  if (state.counted == resolved) return;
  const auto kind = static_cast<std::size_t>(state.kind);
  kinds_[resolved ? 0 : kind] -= 1;
  kinds_[resolved ? kind : 0] += 1;
  state.counted = resolved;
  for (const auto group : plan_->groups_of(number))
    groups_[group].resolved += resolved ? 1 : std::size_t(0) - 1;
}

void Roster::queue(Number number) {
  auto& state = states_[number];
  if (state.waiting || state.asked) return;
  state.waiting = true;
  ready_.push_back(number);
}

/// Of a name that is no longer there; the counts are made anew after it. There may be a million of them.
void Roster::forget(Number number) {
  auto& slot = slots_[number];
  auto& state = states_[number];
  if (slot.records || slot.digests != DigestIndex::none) garbage_.push_back(number);
  slot.flaws = 0;
  slot.failures = 0;
  const bool waiting = state.waiting; // its place in ready_ stays
  state = State{};
  state.waiting = waiting;
  due_.clear(number);
}

/// What the slot holds serves nobody any more.
void Roster::drop(Number number) {
  auto& slot = slots_[number];
  digests_.remove(std::exchange(slot.digests, DigestIndex::none));
  slot.records.reset();
  slot.length = 0;
}

void Roster::clean(std::size_t most) {
  for (; most > 0 && !garbage_.empty(); --most) {
    if (states_[garbage_.back()].kind == Kind::none) drop(garbage_.back());
    garbage_.pop_back();
  }
}

void Roster::advance(TimePoint now) {
  const auto at = milliseconds_of(now);
  if (at + tolerated_step < latest_) after_set_back(at);
  latest_ = std::max(latest_, at);
  clean(most_at_once);
  for (std::size_t i = 0; i < most_at_once; ++i) {
    const auto number = due_.take(at);
    if (!number) return;
    if (plan_->has(*number)) look_at(*number, at);
  }
}

/// Its time has come: to be refreshed, to expire, or both.
void Roster::look_at(Number number, std::int64_t now) {
  const auto& state = states_[number];
  if (state.counted && !is_valid(number, now)) count(number, false);
  queue(number);
  if (state.counted) due_.set(number, expiry_of(slots_[number]));
}

/// What was written in a future that is no more counts for nothing, now and when that time comes again.
void Roster::after_set_back(std::int64_t now) {
  for (Number number = 0; number < plan_->numbers(); ++number) {
    auto& slot = slots_[number];
    if (!plan_->has(number)) continue;
    if (states_[number].kind != Kind::none && slot.written > now) {
      count(number, false);
      states_[number].kind = Kind::none;
      drop(number);
    }
    if (!states_[number].counted) queue(number); // its next attempt may be an hour away by the clock of before
  }
  latest_ = now;
  latest_written_ = now;
  ++revision_;
}

std::optional<Roster::Number> Roster::next_added() {
  const auto& added = plan_->added();
  while (next_added_ < added.size()) {
    const auto number = added[next_added_++];
    const auto& state = states_[number];
    if (state.kind == Kind::none && !state.waiting && !state.asked) return number;
  }
  return std::nullopt;
}

/// What is due and what was never asked for take turns, so that neither starves the other.
std::optional<Roster::Due> Roster::take_due(TimePoint now) {
  advance(now);
  added_turn_ = !added_turn_;
  std::optional<Number> number;
  if (added_turn_) number = next_added();
  while (!number && !ready_.empty()) {
    const auto front = ready_.front();
    ready_.pop_front();
    states_[front].waiting = false;
    if (plan_->has(front) && !states_[front].asked) number = front;
  }
  if (!number) number = next_added();
  if (!number) return std::nullopt;
  states_[*number].asked = true;
  return Due{*number, states_[*number].kind != Kind::none};
}

void Roster::put_back(Number number) {
  states_[number].asked = false;
  queue(number);
}

void Roster::refresh(Number number) {
  if (plan_->has(number)) queue(number);
}

void Roster::refresh_all() {
  for (Number number = 0; number < plan_->numbers(); ++number)
    refresh(number);
}

std::uint8_t Roster::flaws_of(const TlsaAnswer& answer, TimePoint now) const noexcept {
  const auto* const secure = std::get_if<Secure>(&answer.outcome);
  if (!secure) return bit(RosterFlaw::no_record);
  std::uint8_t flaws = 0;
  const auto usable = std::ranges::count_if(secure->records, is_usable_by_digest);
  if (usable == 0) flaws |= bit(RosterFlaw::unusable);
  if (secure->records.size() + secure->malformed == 1) flaws |= bit(RosterFlaw::single_record);
  if (answer.signatures_end && *answer.signatures_end <= now + limits_.signature_warning)
    flaws |= bit(RosterFlaw::signatures_end_soon);
  return flaws;
}

RosterChange Roster::learn(Number number, const TlsaAnswer& answer, TimePoint now) {
  if (!plan_->has(number)) return {};
  if (is_definite(answer)) return store(number, answer, now);
  mark_failure(number, answer);
  return {};
}

RosterChange Roster::store(Number number, const TlsaAnswer& answer, TimePoint now) {
  advance(now);
  states_[number].asked = false;
  auto& slot = slots_[number];
  const auto* const secure = std::get_if<Secure>(&answer.outcome);
  const bool too_large =
      secure && (secure->records.size() + secure->malformed > limits_.records_per_name || !encode_compact(*secure));
  if (too_large || !is_definite(answer)) {
    if (too_large) { // DNS did say something: what was known before is no longer so
      count(number, false);
      states_[number].kind = Kind::none;
      drop(number);
    }
    mark_failure(number, answer);
    retry_later(number, milliseconds_of(now));
    const auto flaw = too_large ? bit(RosterFlaw::too_large) : std::uint8_t{0};
    return {static_cast<std::uint8_t>(flaw & ~std::exchange(slot.flaws, too_large ? flaw : slot.flaws)), std::nullopt};
  }
  auto flaws = flaws_of(answer, now);
  const auto until = answer.signatures_end ? TimePoint(*answer.signatures_end) : TimePoint::max();
  const auto life = std::min<std::chrono::milliseconds>(clamped_ttl(answer, limits_.ttl), until - now);
  keep(number, answer, now, std::max(life, std::chrono::milliseconds{0}));
  std::optional<Number> sharing;
  if (secure) sharing = index_digests(number, *secure);
  if (sharing) flaws |= bit(RosterFlaw::shared);
  const auto raised = static_cast<std::uint8_t>(flaws & ~slot.flaws);
  slot.flaws = flaws;
  return {raised, sharing};
}

void Roster::keep(Number number, const TlsaAnswer& answer, TimePoint written, std::chrono::milliseconds life) {
  count(number, false);
  auto& slot = slots_[number];
  auto& state = states_[number];
  drop(number);
  if (const auto* secure = std::get_if<Secure>(&answer.outcome)) {
    const auto compact = encode_compact(*secure).value_or(Bytes{});
    slot.records = std::make_unique<std::uint8_t[]>(compact.size()); // NOLINT: half a million vectors' worth of memory
    std::memcpy(slot.records.get(), compact.data(), compact.size());
    slot.length = static_cast<std::uint32_t>(compact.size());
    state.kind = Kind::secure;
  } else {
    state.kind = std::holds_alternative<Absent>(answer.outcome) ? Kind::absent : Kind::insecure;
  }
  slot.written = milliseconds_of(written);
  slot.life = static_cast<std::uint32_t>(life.count());
  slot.ttl = static_cast<std::uint32_t>(std::clamp<std::int64_t>(answer.ttl.count(), 0, UINT32_MAX));
  const auto end = answer.signatures_end ? answer.signatures_end->time_since_epoch().count() : 0;
  slot.signatures_end = static_cast<std::uint32_t>(std::clamp<std::int64_t>(end, 0, UINT32_MAX));
  slot.failures = 0;
  state.reachable = true;
  latest_written_ = std::max(latest_written_, slot.written);
  count(number, life.count() > 0);
  plan_refresh(number);
  ++revision_;
}

void Roster::plan_refresh(Number number) {
  const auto& slot = slots_[number];
  const auto eighth = static_cast<std::int64_t>(slot.life) / 8;
  const auto spread = eighth * (plan_->hash_of(number) >> 16U) >> 16U;
  const auto latest = std::max(static_cast<std::int64_t>(slot.life) - limits_.lead.count(), 4 * eighth);
  constexpr std::int64_t at_least = 500; // of an answer whose signatures have ended: not a loop
  due_.set(number, slot.written + std::max(std::min(6 * eighth + spread, latest), at_least));
}

void Roster::mark_failure(Number number, const TlsaAnswer& answer) {
  auto& state = states_[number];
  const auto* const failed = std::get_if<Failed>(&answer.outcome);
  state.reachable = !is_unreachable(answer);
  state.timed_out = failed && failed->kind == FailureKind::timeout;
  const auto reason = state.timed_out ? Reason::dns_timeout : Reason::dns_failure;
  for (const auto group : plan_->groups_of(number))
    groups_[group].last_failure = reason;
}

void Roster::retry_later(Number number, std::int64_t now) {
  auto& slot = slots_[number];
  constexpr std::uint8_t most_doublings = 10;
  const std::chrono::milliseconds first = limits_.ttl.failure_ttl;
  const auto longest = longest_pause(kinds_[0]);
  const auto pause = std::min(first * (std::int64_t{1} << std::min(slot.failures, most_doublings)), longest).count();
  auto retry = pause;
  if (states_[number].counted) { // half of what is left, so that a short outage is over before the answer is
    constexpr std::int64_t at_least = 1000;
    const auto left = expiry_of(slot) - now;
    retry = std::min({retry, std::max(left / 2, at_least), std::max<std::int64_t>(left, 1)});
  }
  if (retry == pause) // what was asked sooner says little about how long it will last
    slot.failures = static_cast<std::uint8_t>(std::min<int>(slot.failures + 1, most_doublings));
  due_.set(number, now + retry);
}

/// Another name, not related to this one, that has one of the digests already.
std::optional<Roster::Number> Roster::index_digests(Number number, const Secure& answer) {
  std::optional<Number> sharing;
  for (const auto& record : answer.records)
    for_each_digest(record, hash_, [&](DigestIndex::Key key) {
      digests_.for_each(key, [&](Number other) {
        const bool foreign = other != number && plan_->has(other) &&
                             !are_related(plan_->name_of(number).identity, plan_->name_of(other).identity);
        if (foreign && !sharing) sharing = other;
        return other == number; // one other is enough: a group may be large
      });
      slots_[number].digests = digests_.add(key, number, slots_[number].digests);
    });
  return sharing;
}

} // namespace danegate::core
