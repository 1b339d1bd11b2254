#include "daemon/service/waiting_budget.h"

#include <algorithm>
#include <iterator>

namespace danegate::service {

namespace {

/// No verdict waits longer, and none could be behind longer: a clock that leaps counts for no more.
constexpr std::chrono::hours longest{1};
constexpr std::chrono::seconds sweep_every{1};

} // namespace

std::optional<Bound> WaitingBudget::begin(const core::IpAddress& client, const Limits& limits, Time now) {
  per_minute_ = limits.per_minute;
  auto found = accounts_.find(client);
  if (found == accounts_.end()) {
    if (accounts_.size() >= max_accounts) drop_idle(now);
    if (accounts_.size() >= max_accounts) return std::nullopt;
    found = accounts_.emplace(client, Account{.at = now}).first;
  }
  Account& account = found->second;
  settle(account, now);
  if (account.waiting >= limits.at_once) return Bound::waiting_per_client;
  if (account.used >= limits.per_minute) return Bound::waited_per_client;
  ++account.waiting;
  return std::nullopt;
}

void WaitingBudget::end(const core::IpAddress& client, Time now) {
  const auto found = accounts_.find(client);
  if (found == accounts_.end()) return; // there was no room to count it
  Account& account = found->second;
  settle(account, now);
  if (account.waiting > 0) --account.waiting;
  if (account.waiting == 0 && account.used.count() == 0) accounts_.erase(found);
}

void WaitingBudget::settle(Account& account, Time now) const {
  const Waited passed = std::clamp<Waited>(now - account.at, Waited(0), longest);
  const auto waited = passed * static_cast<double>(account.waiting);
  const auto ran_out = passed * (Waited(per_minute_) / Waited(std::chrono::minutes(1)));
  account.used = std::clamp<Waited>(account.used + waited - ran_out, Waited(0), 24 * longest);
  account.at = std::max(account.at, now);
}

void WaitingBudget::drop_idle(Time now) {
  if (now - swept_ < sweep_every) return;
  swept_ = now;
  for (auto at = accounts_.begin(); at != accounts_.end();) {
    settle(at->second, now);
    const bool idle = at->second.waiting == 0 && at->second.used.count() == 0;
    at = idle ? accounts_.erase(at) : std::next(at);
  }
}

} // namespace danegate::service
