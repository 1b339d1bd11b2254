// A client of a server under test, on the same thread as the server's loop, and how that loop is run.
#pragma once

#include "daemon/service/socket_address.h"
#include "tests/support/catch.h"

#include <boost/asio/io_context.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace danegate::test {

/// Runs the loop until something holds. The deadline only ends a test that fails.
inline bool run_until(boost::asio::io_context& loop, const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    loop.restart();
    if (loop.poll() == 0) loop.run_one_for(std::chrono::milliseconds{5});
  }
  return true;
}

/// Runs the loop until nothing is ready any more.
inline void settle(boost::asio::io_context& loop) {
  for (int quiet = 0; quiet < 3;) {
    loop.restart();
    quiet = loop.poll() == 0 ? quiet + 1 : 0;
  }
}

class Client {
public:
  explicit Client(const config::Listen& where) {
    auto address = service::to_socket_address(where).value();
    socket_ = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(socket_ >= 0);
    REQUIRE(::connect(socket_, address.get(), address.length) == 0);
    REQUIRE(::fcntl(socket_, F_SETFL, O_NONBLOCK) == 0);
  }

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  ~Client() { hang_up(); }

  /// As much as the socket takes; the rest is the test's mistake, unless the server has hung up.
  void send(std::string_view text) const {
    const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    CHECK((sent == static_cast<ssize_t>(text.size()) || errno == EPIPE || errno == ECONNRESET));
  }

  void half_close() const { REQUIRE(::shutdown(socket_, SHUT_WR) == 0); }

  void hang_up() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  /// What has come so far.
  const std::string& received() {
    char buffer[65536];
    ssize_t octets = 0;
    while ((octets = ::recv(socket_, buffer, sizeof buffer, 0)) > 0) {
      received_.append(buffer, static_cast<std::size_t>(octets));
    }
    ended_ = ended_ || octets == 0 || errno == ECONNRESET;
    return received_;
  }

  bool ended() {
    received();
    return ended_;
  }

private:
  int socket_ = -1;
  std::string received_;
  bool ended_ = false;
};

} // namespace danegate::test
