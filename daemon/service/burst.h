// Like events that come in bursts: the log is told when one begins and when it is over, whatever happens in between.
//
// A burst is over when `quiet` has passed without an event. One that goes on is told every `interval`. Pure; time is an
// argument; not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace danegate::service {

class Burst {
public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds quiet{10};
  static constexpr std::chrono::minutes interval{10};

  /// True: this event begins a burst.
  bool note(Time now) noexcept {
    const bool begins = count_ == 0;
    if (begins) begun_ = told_ = now;
    last_ = now;
    ++count_;
    return begins;
  }

  struct Report {
    std::uint64_t count;         ///< events so far
    std::chrono::seconds lasted; ///< from the first to the last
    bool over;
  };

  /// What is to be told now, if anything. To be called every second or so while active().
  std::optional<Report> report(Time now) noexcept {
    if (!active()) return std::nullopt;
    const Report report{count_, std::chrono::duration_cast<std::chrono::seconds>(last_ - begun_), now - last_ >= quiet};
    if (report.over) {
      count_ = 0;
      return report;
    }
    if (now - told_ < interval) return std::nullopt;
    told_ = now;
    return report;
  }

  bool active() const noexcept { return count_ > 0; }

private:
  std::uint64_t count_ = 0; ///< of this burst
  Time begun_;
  Time last_;
  Time told_;
};

} // namespace danegate::service
