#include "daemon/core/answer_cache.h"

#include <algorithm>

namespace danegate::core {

std::chrono::seconds clamped_ttl(const TlsaAnswer& answer, const CacheLimits& limits) noexcept {
  if (!is_definite(answer)) return limits.failure_ttl;
  const bool denial = std::holds_alternative<Absent>(answer.outcome);
  const auto most = denial ? limits.negative_max_ttl : limits.max_ttl;
  return std::min(std::max(answer.ttl, limits.min_ttl), std::max(most, limits.min_ttl));
}

AnswerCache::AnswerCache(CacheLimits limits) : limits_(limits) {}

TimePoint AnswerCache::expiry_of(const TlsaAnswer& answer, TimePoint now) const {
  const TimePoint expiry = now + clamp(answer);
  return answer.signatures_end ? std::min(expiry, TimePoint(*answer.signatures_end)) : expiry;
}

/// Of an answer that was definite; its expiry where nothing may serve longer.
TimePoint AnswerCache::grace_end(const Entry& entry) const {
  const bool secure = std::holds_alternative<Secure>(entry.answer->outcome);
  if (!secure || !entry.answer->signatures_end) return entry.expiry;
  return std::max(entry.expiry, std::min(entry.expiry + limits_.grace, TimePoint(*entry.answer->signatures_end)));
}

bool AnswerCache::is_valid(const Entry& entry, TimePoint now) noexcept {
  return entry.written <= now && now < entry.expiry;
}

bool AnswerCache::in_grace(const Entry& entry, TimePoint now) const {
  if (entry.last) return entry.last_written <= now && now < entry.last_until;
  return entry.written <= now && now < grace_end(entry);
}

void AnswerCache::keep_last(Entry& entry, TimePoint until) {
  if (!is_definite(*entry.answer)) return; // what is kept already stays
  entry.last = std::holds_alternative<Secure>(entry.answer->outcome) ? entry.answer : nullptr;
  entry.last_written = entry.written;
  entry.last_until = until;
}

std::optional<AnswerCache::Hit> AnswerCache::find(const DnsName& name, TimePoint now) {
  if (auto found = use(name, now)) return found;
  const auto over = entries_.find(name);
  if (over == entries_.end() || in_grace(over->second, now)) return std::nullopt;
  recency_.erase(over->second.recency);
  entries_.erase(over);
  return std::nullopt;
}

std::optional<AnswerCache::Hit> AnswerCache::use(const DnsName& name, TimePoint now) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || !is_valid(found->second, now)) return std::nullopt;
  recency_.splice(recency_.begin(), recency_, found->second.recency);
  return hit(found->second, now);
}

std::optional<AnswerCache::Hit> AnswerCache::peek(const DnsName& name, TimePoint now) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || !is_valid(found->second, now)) return std::nullopt;
  return hit(found->second, now);
}

AnswerCache::Hit AnswerCache::hit(const Entry& entry, TimePoint now) const {
  const bool in_need = is_unreachable(*entry.answer) && entry.last && in_grace(entry, now);
  auto last = in_need ? entry.last : nullptr;
  return Hit{entry.answer, std::chrono::duration_cast<std::chrono::seconds>(entry.expiry - now), std::move(last)};
}

AnswerPtr AnswerCache::last_secure(const DnsName& name, TimePoint now) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return nullptr;
  const auto& entry = found->second;
  return entry.last && in_grace(entry, now) ? entry.last : nullptr;
}

void AnswerCache::store(const DnsName& name, AnswerPtr answer, TimePoint now) {
  if (is_overload(*answer) || limits_.entries == 0) return;
  const auto expiry = expiry_of(*answer, now);
  if (const auto found = entries_.find(name); found != entries_.end()) {
    auto& entry = found->second;
    if (is_valid(entry, now) && is_definite(*entry.answer) && !is_definite(*answer)) {
      entry.failure = std::move(answer);
      entry.failed_at = now;
      entry.requeried.reset();
      return;
    }
    if (is_definite(*answer))
      entry.last = nullptr;
    else
      keep_last(entry, grace_end(entry));
    entry.answer = std::move(answer);
    entry.failure = nullptr;
    entry.written = now;
    entry.expiry = expiry;
    recency_.splice(recency_.begin(), recency_, entry.recency);
    return;
  }
  if (entries_.size() >= limits_.entries) {
    entries_.erase(recency_.back());
    recency_.pop_back();
  }
  recency_.push_front(name);
  Entry entry;
  entry.answer = std::move(answer);
  entry.written = now;
  entry.expiry = expiry;
  entry.recency = recency_.begin();
  entries_.emplace(name, std::move(entry));
}

AnswerCache::Requery AnswerCache::requery(const DnsName& name, TimePoint now) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return {.ask = true, .failure = nullptr};
  auto& entry = found->second;
  if (!is_definite(*entry.answer)) {
    return is_valid(entry, now) ? Requery{.ask = false, .failure = entry.answer}
                                : Requery{.ask = true, .failure = nullptr};
  }
  if (entry.failure && entry.failed_at <= now && now < entry.failed_at + limits_.failure_ttl)
    return {.ask = false, .failure = entry.failure};
  if (entry.requeried && *entry.requeried <= now && now < *entry.requeried + limits_.min_ttl) return {};
  entry.requeried = now;
  return {.ask = true, .failure = nullptr};
}

void AnswerCache::requery_not_made(const DnsName& name) {
  if (const auto found = entries_.find(name); found != entries_.end()) found->second.requeried.reset();
}

void AnswerCache::note_requery(const DnsName& name, TimePoint now) {
  const auto found = entries_.find(name);
  if (found != entries_.end() && is_definite(*found->second.answer)) found->second.requeried = now;
}

bool AnswerCache::erase(const DnsName& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return false;
  recency_.erase(found->second.recency);
  entries_.erase(found);
  return true;
}

void AnswerCache::clear() {
  entries_.clear();
  recency_.clear();
}

} // namespace danegate::core
