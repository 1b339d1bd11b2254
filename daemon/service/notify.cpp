#include "daemon/service/notify.h"

#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <boost/asio/buffer.hpp>
#include <fmt/format.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

namespace danegate::service {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// A path, or "@" and a name in the abstract namespace. Other families are for virtual machines' managers.
std::optional<asio::local::datagram_protocol::endpoint> manager_address() {
  const char* text = std::getenv("NOTIFY_SOCKET"); // NOLINT(concurrency-mt-unsafe): nothing here changes it
  if (text == nullptr || (*text != '/' && *text != '@')) return std::nullopt;
  std::string path(text);
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return std::nullopt;
  if (path[0] == '@') path[0] = '\0';
  return asio::local::datagram_protocol::endpoint(path);
}

/// systemd orders RELOADING=1 and the READY=1 after it by this clock (sd_notify(3), Type=notify-reload).
std::uint64_t monotonic_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return (static_cast<std::uint64_t>(now.tv_sec) * 1'000'000U) + (static_cast<std::uint64_t>(now.tv_nsec) / 1'000U);
}

} // namespace

Notify::Notify(asio::io_context& loop)
    : loop_(loop), manager_(manager_address()), retry_timer_(loop), watchdog_timer_(loop) {}

void Notify::ready(std::string_view status) {
  send(fmt::format("READY=1\nSTATUS={}", status));
}

void Notify::reloading() {
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_microseconds()));
}

void Notify::stopping(std::string_view status) {
  send(fmt::format("STOPPING=1\nSTATUS={}", status));
}

void Notify::send(std::string message) {
  if (!manager_ || (waiting_.empty() && try_send(message))) return;
  if (waiting_.size() >= max_waiting) waiting_.pop_front();
  waiting_.push_back(std::move(message));
  if (waiting_.size() == 1) send_waiting();
}

void Notify::send_waiting() {
  while (!waiting_.empty() && try_send(waiting_.front()))
    waiting_.pop_front();
  if (waiting_.empty()) return;
  retry_timer_.expires_after(retry);
  retry_timer_.async_wait([this](const error_code& error) {
    if (!error) send_waiting();
  });
}

/// False if there is no room for it now. Any other failure is the manager's: there is nobody else to tell.
bool Notify::try_send(const std::string& message) {
  error_code error;
  asio::local::datagram_protocol::socket socket(loop_);
  socket.open({}, error);
  if (!error) socket.non_blocking(true, error);
  if (!error) socket.connect(*manager_, error);
  if (!error) socket.send(asio::buffer(message), 0, error);
  return error != asio::error::would_block;
}

void Notify::start_watchdog() {
  std::uint64_t interval = 0;
  if (::sd_watchdog_enabled(0, &interval) <= 0) return;
  period_ = std::chrono::microseconds(interval / 2);
  tick();
}

void Notify::stop_watchdog() {
  watchdog_timer_.cancel();
}

void Notify::tick() {
  send("WATCHDOG=1");
  watchdog_timer_.expires_after(period_);
  watchdog_timer_.async_wait([this](const error_code& error) {
    if (!error) tick();
  });
}

} // namespace danegate::service
