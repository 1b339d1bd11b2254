// What systemd is told, by the protocol of sd_notify(3): ready, reloading, stopping, and that the loop turns.
//
// Does nothing where nobody asked ($NOTIFY_SOCKET, $WATCHDOG_USEC). Lives on the loop's thread. Not by libsystemd's
// sd_notify(), which waits while the manager's queue is full (seen: the loop stood still): here a message that finds no
// room waits, in order, and is tried again; past max_waiting the oldest is dropped.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace danegate::service {

class Notify {
public:
  static constexpr std::size_t max_waiting = 64;
  static constexpr std::chrono::milliseconds retry{50};

  explicit Notify(boost::asio::io_context& loop);

  /// `status` is one line for `systemctl status`.
  void ready(std::string_view status);
  void reloading();
  void stopping(std::string_view status);

  /// From here on the manager hears from the loop twice per watchdog interval, if it asked for that. It should restart
  /// a loop that hangs, so the timer runs there and nowhere else.
  void start_watchdog();
  void stop_watchdog();

private:
  void send(std::string message);
  void send_waiting();
  bool try_send(const std::string& message);
  void tick();

  boost::asio::io_context& loop_;
  std::optional<boost::asio::local::datagram_protocol::endpoint> manager_;
  std::deque<std::string> waiting_;
  boost::asio::steady_timer retry_timer_;
  boost::asio::steady_timer watchdog_timer_;
  std::chrono::microseconds period_{0};
};

} // namespace danegate::service
