#include "daemon/service/clock_watch.h"

#include <exception>
#include <string>

namespace danegate::service {

void ClockWatch::start() {
  look();
  timer_.expires_after(tick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) start();
  });
}

void ClockWatch::look() {
  if (const auto step = steps_.note(std::chrono::system_clock::now(), std::chrono::steady_clock::now())) {
    const bool back = step->count() < 0;
    log_.event(config::LogLevel::warning, "clock-set",
               back ? "the clock was set back: every stored answer is dropped" : "the clock was set forward",
               {{"milliseconds", std::to_string(step->count())}});
    due_ = due_ || back;
  }
  if (!due_) return;
  try {
    set_back_();
    due_ = false;
  } catch (const std::exception& error) {
    log_.event_limited("clock-set", config::LogLevel::error, "clock-set", "a new resolver could not be made yet",
                       {{"error", error.what()}});
  }
}

} // namespace danegate::service
