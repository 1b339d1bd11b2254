// How many verdicts of one client address may wait for DNS at a time, and how long they may wait in a minute, together.
//
// Every verdict that waits holds one of the mail server's processes. A lookup that many verdicts share is one lookup,
// so the bounds on lookups do not bound that. The time is a bucket: it fills while verdicts wait (two of them: twice as
// fast) and runs out at `per_minute` a minute; while it is full nobody else of that address waits. What waits already
// goes on, up to its deadline.
//
// Pure; time is an argument; not thread-safe. Bounded: past max_accounts addresses at a time, newcomers are not counted
// (the other limits bound those).
#pragma once

#include "daemon/core/ip_address.h"
#include "daemon/service/bounds.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>

namespace danegate::service {

class WaitingBudget {
public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::size_t max_accounts = 65536;

  struct Limits {
    std::size_t at_once;
    std::chrono::milliseconds per_minute;
  };

  /// Counts one more verdict of this client (IpAddress::client_key()), or says which bound is met. What began is to be
  /// ended once, with end().
  std::optional<Bound> begin(const core::IpAddress& client, const Limits& limits, Time now);
  void end(const core::IpAddress& client, Time now);

  std::size_t accounts() const noexcept { return accounts_.size(); }

private:
  /// With fractions: calls a microsecond apart must neither wait for nothing nor keep the bucket from running out.
  using Waited = std::chrono::duration<double>;

  struct Account {
    std::size_t waiting = 0;
    Waited used{0};
    Time at;
  };

  void settle(Account& account, Time now) const;
  void drop_idle(Time now);

  std::map<core::IpAddress, Account> accounts_;
  std::chrono::milliseconds per_minute_{0};
  Time swept_;
};

} // namespace danegate::service
