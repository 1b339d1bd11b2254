// The bounds that are met at run time, by the names of their settings: one table for verdicts, log and counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace danegate::service {

enum class Bound : std::uint8_t {
  lookups,
  lookups_per_client,
  lookups_per_entry,
  requeries,
  waiting_per_client,
  waited_per_client,
  records_per_name,
  policy_connections,
  request_bytes,
  milter_connections,
  milter_verdicts,
};

inline constexpr std::array<std::string_view, 11> bound_names{
    "limits.lookups",
    "limits.lookups-per-client",
    "limits.lookups-per-entry",
    "limits.requeries",
    "limits.waiting-per-client",
    "limits.waited-per-client",
    "limits.records-per-name",
    "limits.policy-connections",
    "limits.request-bytes",
    "limits.milter-connections",
    "limits.milter-verdicts",
};

constexpr std::size_t index_of(Bound bound) noexcept {
  return static_cast<std::size_t>(bound);
}

constexpr std::string_view name_of(Bound bound) noexcept {
  return bound_names.at(index_of(bound));
}

} // namespace danegate::service
