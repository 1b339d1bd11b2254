// A server over a responder of the test's making, a clock that stands still, and clients, all on one thread.
#pragma once

#include "policy/server.h"
#include "tests/policy/builders.h"
#include "tests/service/captured_log.h"
#include "tests/support/sandbox.h"
#include "tests/support/socket_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace danegate::test {

/// A request that its reply can be told by: the reply names the queue id.
inline std::string numbered(std::string_view id) {
  return wire(attributes({{"queue_id", id}}));
}

inline std::string reply_to(std::string_view id) {
  return "action=DUNNO " + std::string{id} + "\n\n";
}

/// Answers each request with reply_to(its queue id).
struct FakeResponder {
  explicit FakeResponder(boost::asio::io_context& loop) : gate(loop, boost::asio::steady_timer::time_point::max()) {}

  policy::Responder port() {
    return [this](const policy::Request& request, policy::Channel channel) {
      channels.push_back(channel);
      std::string id{request.get(policy::Attribute::queue_id)};
      asked.push_back(id);
      return respond(std::move(id));
    };
  }

  boost::asio::awaitable<std::string> respond(std::string id) {
    if (slow.contains(id)) {
      boost::system::error_code ignored;
      auto token = boost::asio::redirect_error(boost::asio::use_awaitable, ignored);
      co_await gate.async_wait(token);
    }
    if (failing.contains(id)) throw std::runtime_error("no reply for " + id);
    co_return reply_to(id) + std::string(padding, 'x');
  }

  std::vector<std::string> asked;
  std::vector<policy::Channel> channels; ///< through which they came
  std::set<std::string> slow;    ///< these wait for release()
  std::set<std::string> failing; ///< these end in an exception
  std::size_t padding = 0;       ///< octets behind each reply
  boost::asio::steady_timer gate;

  void release() { gate.cancel(); }
};

struct House {
  explicit House(policy::ServerTiming how = still()) : responder(*loop) {
    how.now = [this]() { return now; };
    server = std::make_unique<policy::Server>(
        *loop, responder.port(), [this]() { return config; }, log.log, how);
  }

  /// Nothing happens by a timer.
  static policy::ServerTiming still() {
    policy::ServerTiming timing;
    timing.sweep_every = std::chrono::hours{24};
    return timing;
  }

  void listen(const config::Listen& where) { server->add_listener(open(where)); }

  static service::BoundListener open(const config::Listen& where) {
    auto listener = service::open_listener(where, {});
    REQUIRE(listener);
    return std::move(*listener);
  }

  bool until(const std::function<bool()>& holds) { return run_until(*loop, holds); }

  void settle() { test::settle(*loop); }

  bool answered(Client& client, const std::string& expected) {
    return until([&]() { return client.received().size() >= expected.size() || client.ended(); }) &&
           client.received() == expected;
  }

  void pass(std::chrono::milliseconds time) {
    now += time;
    server->sweep();
    settle();
  }

  std::vector<std::string> events() { return log.lines(); }

  Sandbox box;
  service::CapturedLog log;
  std::shared_ptr<config::Config> config = policy_config();
  policy::SteadyTime now{std::chrono::hours{1}};
  std::unique_ptr<boost::asio::io_context> loop = std::make_unique<boost::asio::io_context>();
  FakeResponder responder;
  std::unique_ptr<policy::Server> server;
};

} // namespace danegate::test
