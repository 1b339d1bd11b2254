// Notices when the machine's clock is set.
//
// Answers and signatures are valid by the clock. Ours carry the time at which they were written, and one from the
// future is not valid; libunbound's cache knows only when an answer ends. After the clock was set back by an hour that
// is an hour too late, and a key that was removed meanwhile would go on to pass: so a resolver has to go when this
// happens.
//
// The wall clock is compared with the monotonic one, every tick. A clock that is slewed (by 0.05 % at most) is no step.
// Loop's thread only.
#pragma once

#include "daemon/service/log.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

namespace danegate::service {

/// Pure.
class ClockSteps {
public:
  using Wall = std::chrono::sys_time<std::chrono::nanoseconds>;
  using Steady = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds tolerance{500};

  /// How far the wall clock was set since the last call, forward or back, if it was.
  std::optional<std::chrono::milliseconds> note(Wall wall, Steady steady) {
    const auto offset = wall.time_since_epoch() - steady.time_since_epoch();
    const auto before = last_;
    last_ = offset;
    if (!before) return std::nullopt;
    const auto step = std::chrono::duration_cast<std::chrono::milliseconds>(offset - *before);
    if (std::chrono::abs(step) < tolerance) return std::nullopt;
    return step;
  }

private:
  std::optional<std::chrono::nanoseconds> last_;
};

class ClockWatch {
public:
  static constexpr std::chrono::seconds tick{1};

  /// `set_back` is called after the clock was set back, and again every tick for as long as it throws.
  ClockWatch(boost::asio::io_context& loop, Log& log, std::function<void()> set_back)
      : log_(log), set_back_(std::move(set_back)), timer_(loop) {}

  void start();

private:
  void look();

  Log& log_;
  std::function<void()> set_back_;
  boost::asio::steady_timer timer_;
  ClockSteps steps_;
  bool due_ = false;
};

} // namespace danegate::service
