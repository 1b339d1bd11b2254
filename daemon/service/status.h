// What `danegate status` shows: the daemon at one moment. Plain data; whoever has the objects fills it in.
#pragma once

#include "daemon/core/hold_off.h"
#include "daemon/core/roster.h"
#include "daemon/service/authenticator.h"
#include "daemon/service/lifecycle.h"
#include "daemon/service/overloads.h"
#include "daemon/service/verdict_totals.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace danegate::service {

struct Status {
  std::string version;
  int pid = 0;
  std::chrono::system_clock::time_point started{};
  std::chrono::seconds uptime{0};
  std::string configuration; ///< file
  std::optional<ReloadReport> last_reload{};
  std::vector<std::string> listeners{}; ///< of the policy service
  std::string milter{};                 ///< empty: none
  std::size_t policy_connections = 0;
  std::size_t milter_messages = 0; ///< under way
  const VerdictTotals& verdicts;
  Authenticator::Lookups lookups{}; ///< under way
  std::size_t cached_answers = 0;
  std::size_t roster_names = 0;
  core::RosterCounts roster{};
  std::optional<std::chrono::sys_seconds> soonest_signature_end{};
  std::vector<core::HoldOff::HeldZone> held_off{};
  const Overloads& overloads;
};

/// One JSON object in one line. Its keys are the contract of GET /status and of `danegate status --json`: some may come
/// in addition, none is renamed. Times are RFC 3339, in UTC; durations are seconds.
std::string as_json(const Status& status);

std::string as_json(const ReloadReport& report);

} // namespace danegate::service
