// Counts how often each bound was met, and tells the log of each burst when it begins and how many there were.
//
// Lives in main, as long as the loop and whatever counts here. Thread-safe: libmilter's workers count, too; the reports
// about bursts that are over come from a timer on the loop.
#pragma once

#include "daemon/core/ip_address.h"
#include "daemon/service/bounds.h"
#include "daemon/service/burst.h"
#include "daemon/service/log.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

namespace danegate::service {

class Overloads {
public:
  using Now = std::function<Burst::Time()>;

  static constexpr std::chrono::seconds tick{1};

  Overloads(boost::asio::io_context& loop, Log& log, Now now = std::chrono::steady_clock::now);
  Overloads(const Overloads&) = delete;
  Overloads& operator=(const Overloads&) = delete;
  ~Overloads() = default;

  /// Somebody met this bound. `client`, where it is known, is named for the first of a burst.
  void note(Bound bound, const std::optional<core::IpAddress>& client = {});

  /// The same where the caller tells the log of it himself: only the end of a burst of several is told here.
  void note_told(Bound bound);

  /// Since the start.
  std::uint64_t count(Bound bound) const noexcept { return counts_.at(index_of(bound)); }

  /// What the timer does; for tests.
  void report();

private:
  bool begins_burst(Bound bound);
  void schedule();

  boost::asio::io_context& loop_;
  Log& log_;
  Now now_;
  boost::asio::steady_timer timer_;
  bool ticking_ = false; ///< loop's thread only
  std::array<std::atomic<std::uint64_t>, bound_names.size()> counts_{};
  mutable std::mutex mutex_; ///< of bursts_
  std::array<Burst, bound_names.size()> bursts_;
};

} // namespace danegate::service
