// How long a connection may take, and which one goes when the house is full. Pure.
//
// No timer runs per read (measured: it halves the rate). A connection notes what it is doing and since when; a coarse
// sweep asks overdue() about each. What has not become a request is counted from its first octet, so one octet a second
// buys no time.
#pragma once

#include <chrono>
#include <cstdint>

namespace danegate::policy {

using SteadyTime = std::chrono::steady_clock::time_point;

enum class Phase : std::uint8_t {
  fresh,   ///< accepted, no complete request yet
  reading, ///< in the middle of a later request
  judging, ///< a verdict is being made
  writing, ///< the reply is on its way
  idle,    ///< between requests
};

struct Activity {
  Phase phase = Phase::fresh;
  SteadyTime since; ///< of fresh: accept; of reading: the first octet
};

struct Patience {
  std::chrono::milliseconds unfinished{30000}; ///< fresh, reading, and writing to a peer that does not read
  std::chrono::milliseconds idle{1000000};     ///< policy.idle-timeout
};

/// True if the connection is to be closed. One that is being judged never is: limits.deadline ends that.
constexpr bool is_overdue(const Activity& activity, const Patience& patience, SteadyTime now) noexcept {
  switch (activity.phase) {
  case Phase::fresh:
  case Phase::reading:
  case Phase::writing: return now - activity.since >= patience.unfinished;
  case Phase::idle: return now - activity.since >= patience.idle;
  case Phase::judging: return false;
  }
  return false;
}

/// True if the connection may be closed to make room: nothing is owed to it.
constexpr bool may_make_room(const Activity& activity) noexcept {
  switch (activity.phase) {
  case Phase::fresh:
  case Phase::reading:
  case Phase::idle: return true;
  case Phase::judging:
  case Phase::writing: return false;
  }
  return false;
}

/// Of two that may: those without a complete request before the idle ones, then whoever has been at it longer.
constexpr bool goes_before(const Activity& a, const Activity& b) noexcept {
  const bool a_idle = a.phase == Phase::idle;
  const bool b_idle = b.phase == Phase::idle;
  return a_idle != b_idle ? b_idle : a.since < b.since;
}

} // namespace danegate::policy
