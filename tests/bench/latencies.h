// Times of single replies, in bounded space: a histogram whose buckets are at most 1/64 wider than their times.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>

namespace danegate::bench {

class Latencies {
public:
  void note(std::uint64_t nanoseconds) noexcept {
    ++counts_[index_of(nanoseconds)];
    ++total_;
    if (nanoseconds > longest_) longest_ = nanoseconds;
  }

  void add(const Latencies& other) noexcept {
    for (std::size_t index = 0; index < counts_.size(); ++index)
      counts_[index] += other.counts_[index];
    total_ += other.total_;
    if (other.longest_ > longest_) longest_ = other.longest_;
  }

  std::uint64_t count() const noexcept { return total_; }

  /// Microseconds within which `share` (0 to 1) of all were; 0 where there were none.
  double quantile(double share) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t index = 0; index < counts_.size(); ++index) {
      seen += counts_[index];
      if (seen > wanted) return static_cast<double>(value_of(index)) / 1000;
    }
    return static_cast<double>(longest_) / 1000;
  }

  /// `"p50":…,"p99":…,"p999":…,"max":…`, in microseconds.
  void print_json() const {
    std::printf(R"("p50":%.1f,"p99":%.1f,"p999":%.1f,"max":%.1f)", quantile(0.5), quantile(0.99), quantile(0.999),
                static_cast<double>(longest_) / 1000);
  }

private:
  static constexpr unsigned fine = 6; ///< bits after the first that make a bucket

  static std::size_t index_of(std::uint64_t value) noexcept {
    if (value < (2U << fine)) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - fine - 1;
    return (static_cast<std::size_t>(shift) << fine) + static_cast<std::size_t>(value >> shift);
  }

  /// The least time of that bucket.
  static std::uint64_t value_of(std::size_t index) noexcept {
    if (index < (2U << fine)) return index;
    const std::size_t shift = (index >> fine) - 1;
    return static_cast<std::uint64_t>(index - (shift << fine)) << shift;
  }

  std::array<std::uint64_t, (64U - fine + 1) << fine> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t longest_ = 0;
};

} // namespace danegate::bench
