// How many of something may happen now: a token bucket. Time is an argument; not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>

namespace danegate::service {

class Pace {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `per_second` on average; `burst`, at least 1, at once after a rest and at first.
  Pace(double per_second, double burst) : per_second_(per_second), burst_(std::max(burst, 1.0)), tokens_(burst_) {}

  void set(double per_second, double burst) {
    per_second_ = per_second;
    burst_ = std::max(burst, 1.0);
    tokens_ = std::min(tokens_, burst_);
  }

  bool take(TimePoint now) {
    if (begun_) {
      const std::chrono::duration<double> passed = now - last_;
      tokens_ = std::min(burst_, tokens_ + std::max(passed.count(), 0.0) * per_second_);
    }
    last_ = now;
    begun_ = true;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  /// The last take() was not used.
  void give_back() { tokens_ = std::min(burst_, tokens_ + 1); }

private:
  double per_second_;
  double burst_;
  double tokens_;
  TimePoint last_{};
  bool begun_ = false;
};

} // namespace danegate::service
