#include "daemon/service/once_per_minute.h"

#include <algorithm>
#include <utility>

namespace danegate::service {

std::optional<std::size_t> OncePerMinute::admit(std::string_view key, TimePoint now) {
  if (const auto known = entries_.find(key); known != entries_.end()) {
    Entry& entry = known->second;
    if (now - entry.last < interval) {
      ++entry.suppressed;
      return std::nullopt;
    }
    entry.last = now;
    return std::exchange(entry.suppressed, 0);
  }
  if (entries_.size() >= max_keys)
    entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.last; }));
  entries_.emplace(key, Entry{.last = now});
  return 0;
}

} // namespace danegate::service
