// The answer cache, changed by the loop and read by any thread: a verdict that needs nothing but what is known need not
// come to the loop.
//
// The loop reads without a lock, since nobody else changes anything; what changes an answer takes the lock, and so does
// a reader on another thread.
#pragma once

#include "daemon/core/answer_cache.h"

#include <cstddef>
#include <mutex>
#include <optional>

namespace danegate::service {

/// What these do is said in core::AnswerCache. All but peek_outside() are for the loop's thread.
class AnswerStore {
public:
  using Hit = core::AnswerCache::Hit;
  using Requery = core::AnswerCache::Requery;

  explicit AnswerStore(core::CacheLimits limits) : cache_(limits) {}

  std::optional<Hit> find(const core::DnsName& name, core::TimePoint now);

  std::optional<Hit> peek(const core::DnsName& name, core::TimePoint now) const { return cache_.peek(name, now); }

  core::AnswerPtr last_secure(const core::DnsName& name, core::TimePoint now) const;

  std::size_t size() const noexcept { return cache_.size(); }

  void store(const core::DnsName& name, core::AnswerPtr answer, core::TimePoint now);
  void update(const core::DnsName& name, const core::AnswerPtr& answer, core::TimePoint now);
  Requery requery(const core::DnsName& name, core::TimePoint now);
  void requery_not_made(const core::DnsName& name);
  void note_requery(const core::DnsName& name, core::TimePoint now);
  bool erase(const core::DnsName& name);
  void clear();

  /// peek() for any thread. It does not count as a use, when the least recently used has to go.
  std::optional<Hit> peek_outside(const core::DnsName& name, core::TimePoint now) const;

private:
  core::AnswerCache cache_;
  mutable std::mutex changing_;
};

} // namespace danegate::service
