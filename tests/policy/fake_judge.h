// A judge that answers what the test says, and notes what it was asked; and a way to wait for a coroutine.
#pragma once

#include "policy/handler.h"
#include "tests/support/catch.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace danegate::test {

struct FakeJudge {
  explicit FakeJudge(boost::asio::io_context& loop) : gate(loop, boost::asio::steady_timer::time_point::max()) {}

  /// As Handler wants it; this object has to outlive the handler.
  policy::Judge port() {
    return [this](core::Question question, config::ConfigPtr config) {
      return judge(std::move(question), std::move(config));
    };
  }

  boost::asio::awaitable<core::Decision> judge(core::Question question, config::ConfigPtr config) {
    asked.push_back(std::move(question));
    configs.push_back(config);
    if (waits) {
      boost::system::error_code ignored;
      auto token = boost::asio::redirect_error(boost::asio::use_awaitable, ignored);
      co_await gate.async_wait(token);
    }
    if (fails) throw std::runtime_error("the judge failed");
    core::Decision decision;
    decision.rules = config->rules;
    decision.service = asked.back().service;
    decision.outcome.rule = rule;
    decision.outcome.action = action;
    decision.outcome.reason = reason;
    decision.outcome.mode = mode;
    decision.monitored = monitored;
    co_return decision;
  }

  /// Lets those go that wait, and whoever comes after them.
  void release() {
    waits = false;
    gate.cancel();
  }

  core::Action action = core::Action::tag;
  core::Reason reason = core::Reason::match;
  core::Mode mode = core::Mode::enforce;
  const core::Rule* rule = nullptr;
  std::vector<core::Outcome> monitored;
  bool waits = false;
  bool fails = false;
  std::vector<core::Question> asked;
  std::vector<config::ConfigPtr> configs;
  boost::asio::steady_timer gate;
};

/// Runs the loop until the coroutine has ended; rethrows what it throws.
inline std::string result_of(boost::asio::io_context& loop, boost::asio::awaitable<std::string> coroutine) {
  std::optional<std::string> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(loop, std::move(coroutine), [&](std::exception_ptr error, std::string value) {
    failure = std::move(error);
    result = std::move(value);
  });
  loop.restart();
  loop.run();
  if (failure) std::rethrow_exception(failure);
  REQUIRE(result);
  return *result;
}

} // namespace danegate::test
