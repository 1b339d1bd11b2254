// What the daemon counts and holds at one moment, as plain values: taken on the loop, then free to be turned into text
// on another thread (metrics.h).
#pragma once

#include "daemon/core/roster.h"
#include "daemon/service/bounds.h"
#include "daemon/service/lifecycle.h"
#include "daemon/service/lookup_counts.h"
#include "daemon/service/verdict_counts.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace danegate::service {

class Authenticator;
class Overloads;
class RosterKeeper;

struct Measurements {
  VerdictCounts::Snapshot verdicts;
  LookupCounts lookups;
  std::size_t client_lookups = 0; ///< in flight, as the next two
  std::size_t requeries = 0;
  std::size_t roster_lookups = 0;
  std::size_t cache_entries = 0;
  core::RosterCounts roster;
  std::optional<std::chrono::sys_seconds> signatures_end;
  std::size_t held_off = 0;
  std::size_t policy_connections = 0;
  std::size_t milter_connections = 0;
  std::size_t milter_messages = 0;
  std::array<std::uint64_t, bound_names.size()> overloads{};
  Lifecycle::Reloads reloads;
  std::uint64_t log_lines_dropped = 0;
  std::chrono::system_clock::time_point started;
};

/// All but the connections, messages, reloads and the start.
Measurements measure(const Authenticator& authenticator, RosterKeeper& roster, const Overloads& overloads);

} // namespace danegate::service
