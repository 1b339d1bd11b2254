// How long things took, counted in ranges: what a Prometheus histogram is made of.
//
// One list of bounds for verdicts and lookups, from half a millisecond (an answer that was known) to beyond
// limits.deadline's default. Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace danegate::service {

class DurationHistogram {
public:
  using Duration = std::chrono::microseconds;

  /// Upper bounds, inclusive. What is longer counts in the range after the last one.
  static constexpr std::array<Duration, 14> bounds{
      Duration{500},     Duration{1000},    Duration{2500},    Duration{5000},    Duration{10000},
      Duration{25000},   Duration{50000},   Duration{100000},  Duration{250000},  Duration{500000},
      Duration{1000000}, Duration{2500000}, Duration{5000000}, Duration{10000000}};

  void note(Duration took) noexcept {
    const auto* const range = std::ranges::lower_bound(bounds, took);
    ++counts_.at(static_cast<std::size_t>(range - bounds.begin()));
    sum_ += std::max(took, Duration::zero());
  }

  /// By range; the last one has no upper bound.
  const std::array<std::uint64_t, bounds.size() + 1>& counts() const noexcept { return counts_; }

  Duration sum() const noexcept { return sum_; }

private:
  std::array<std::uint64_t, bounds.size() + 1> counts_{};
  Duration sum_{0};
};

} // namespace danegate::service
