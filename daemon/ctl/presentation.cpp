#include "daemon/ctl/presentation.h"

#include "daemon/core/digest.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <utility>

namespace danegate::ctl {

std::string presentation(const core::TlsaRecord& record) {
  return fmt::format("{} {} {} {}", record.usage, record.selector, record.matching, core::to_hex(record.data));
}

std::string zone_line(const core::DnsName& owner, std::chrono::seconds ttl, const core::TlsaRecord& record) {
  return fmt::format("{}. {} IN TLSA {}", owner.text(), ttl.count(), presentation(record));
}

std::string utc(std::chrono::sys_seconds time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string about(std::chrono::seconds duration) {
  constexpr std::array<std::pair<long, const char*>, 3> units{{{86400, "day"}, {3600, "hour"}, {60, "minute"}}};
  const long seconds = duration.count();
  for (const auto& [size, name] : units)
    if (seconds >= size) return fmt::format("{} {}{}", seconds / size, name, seconds / size == 1 ? "" : "s");
  return fmt::format("{} second{}", seconds, seconds == 1 ? "" : "s");
}

} // namespace danegate::ctl
