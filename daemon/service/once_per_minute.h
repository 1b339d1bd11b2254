// Which of many like events is logged: one per minute and key, with the count of those that were not.
//
// Time is an argument. Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace danegate::service {

class OncePerMinute {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::minutes interval{1};
  /// Beyond them the key that was logged longest ago is forgotten, and its count with it.
  static constexpr std::size_t max_keys = 1024;

  /// nullopt: not this one. Otherwise how many were suppressed since the last one that was not.
  std::optional<std::size_t> admit(std::string_view key, TimePoint now);

  std::size_t size() const noexcept { return entries_.size(); }

private:
  struct Entry {
    TimePoint last;
    std::size_t suppressed = 0;
  };

  std::map<std::string, Entry, std::less<>> entries_;
};

} // namespace danegate::service
