#include "daemon/service/answer_store.h"

#include <utility>

namespace danegate::service {

using core::AnswerPtr;
using core::DnsName;
using core::TimePoint;

/// A hit changes the order of use only, which peek() does not look at. An answer that is over goes.
std::optional<AnswerStore::Hit> AnswerStore::find(const DnsName& name, TimePoint now) {
  if (auto hit = cache_.use(name, now)) return hit;
  const std::scoped_lock lock(changing_);
  return cache_.find(name, now);
}

AnswerPtr AnswerStore::last_secure(const DnsName& name, TimePoint now) const {
  return cache_.last_secure(name, now);
}

void AnswerStore::store(const DnsName& name, AnswerPtr answer, TimePoint now) {
  const std::scoped_lock lock(changing_);
  cache_.store(name, std::move(answer), now);
}

void AnswerStore::update(const DnsName& name, const AnswerPtr& answer, TimePoint now) {
  const std::scoped_lock lock(changing_);
  cache_.update(name, answer, now);
}

AnswerStore::Requery AnswerStore::requery(const DnsName& name, TimePoint now) {
  const std::scoped_lock lock(changing_);
  return cache_.requery(name, now);
}

void AnswerStore::requery_not_made(const DnsName& name) {
  const std::scoped_lock lock(changing_);
  cache_.requery_not_made(name);
}

void AnswerStore::note_requery(const DnsName& name, TimePoint now) {
  const std::scoped_lock lock(changing_);
  cache_.note_requery(name, now);
}

bool AnswerStore::erase(const DnsName& name) {
  const std::scoped_lock lock(changing_);
  return cache_.erase(name);
}

void AnswerStore::clear() {
  const std::scoped_lock lock(changing_);
  cache_.clear();
}

std::optional<AnswerStore::Hit> AnswerStore::peek_outside(const DnsName& name, TimePoint now) const {
  const std::scoped_lock lock(changing_);
  return cache_.peek(name, now);
}

} // namespace danegate::service
