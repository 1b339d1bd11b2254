#include "daemon/service/judge_gateway.h"
#include "tests/core/acme_scene.h"
#include "tests/support/catch.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <variant>
#include <vector>

using namespace danegate;
using namespace danegate::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// A loop on a thread of its own, and a judge that names the client's HELO as detail.
struct Court {
  Court() {
    auto made = std::make_shared<config::Config>();
    made->rules = Scene{}.rule_set();
    made->limits.deadline = 200ms;
    made->limits.milter_verdicts = 9;
    config = made;
    thread = std::thread([this] { loop.run(); });
  }

  ~Court() {
    work.reset();
    loop.stop();
    thread.join();
  }

  asio::awaitable<core::Decision> judge(core::Question question) {
    if (fails) throw std::runtime_error("the judge failed");
    if (stalls) {
      ++stalled;
      asio::steady_timer never(loop, asio::steady_timer::time_point::max());
      const auto token = asio::as_tuple(asio::use_awaitable);
      co_await never.async_wait(token);
    }
    core::Decision decision;
    decision.outcome.detail = question.claims.helo;
    co_return decision;
  }

  void await_stalled(int count) const {
    for (int turns = 0; stalled < count && turns < 5000; ++turns)
      std::this_thread::sleep_for(1ms);
    REQUIRE(stalled == count);
  }

  core::Decision ask(const char* helo) {
    core::Question question{&config->rules->services().front(), {}, {}, {}};
    question.claims.helo = helo;
    return gateway.judge(std::move(question), config);
  }

  asio::io_context loop{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(loop);
  std::atomic<bool> fails = false;
  std::atomic<bool> stalls = false;
  std::atomic<int> stalled = 0; ///< verdicts that wait for ever
  std::atomic<int> met = 0;
  config::ConfigPtr config;
  service::JudgeGateway gateway{
      loop,
      {},
      [this](core::Question question, config::ConfigPtr) { return judge(std::move(question)); },
      [this](service::Bound bound) { met += bound == service::Bound::milter_verdicts ? 1 : 100; }};
  std::thread thread;
};

} // namespace

TEST_CASE("gateway: each thread gets its own verdict") {
  Court court;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, name = "mta" + std::to_string(t) + ".acme.example"] {
      for (int i = 0; i < 50; ++i)
        if (court.ask(name.c_str()).outcome.detail != name) ++wrong;
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("gateway: the judge's exception reaches the caller") {
  Court court;
  court.fails = true;
  CHECK_THROWS_AS(court.ask("mta1.acme.example"), std::runtime_error);
  court.fails = false;
  CHECK(court.ask("mta1.acme.example").outcome.detail == "mta1.acme.example");
}

TEST_CASE("gateway: past limits.milter-verdicts a thread gets overload at once, unless its verdict needs no lookup") {
  Court court;
  court.stalls = true;
  std::atomic<int> refused = 0; // Catch2 is not for threads
  std::vector<std::thread> threads;
  for (int t = 0; t < 9; ++t)
    threads.emplace_back([&] {
      try {
        court.ask("mta1.acme.example");
      } catch (const std::runtime_error&) {
        ++refused;
      }
    });
  court.await_stalled(9);
  const auto begun = std::chrono::steady_clock::now();
  CHECK(court.ask("mta1.acme.example").outcome.reason == core::Reason::no_tls);
  core::Question question{&court.config->rules->services().front(), Scene{}.evidence, {}, {}};
  const auto decision = court.gateway.judge(std::move(question), court.config);
  CHECK(decision.outcome.reason == core::Reason::overload);
  CHECK(decision.outcome.detail == "limits.milter-verdicts");
  CHECK(std::chrono::steady_clock::now() - begun < 1s);
  CHECK(court.met == 2);
  court.gateway.close();
  for (auto& thread : threads)
    thread.join();
  CHECK(refused == 9);
}

TEST_CASE("gateway: who waits when it is closed, and who comes later, gets an exception at once") {
  Court court;
  court.stalls = true;
  std::atomic<bool> thrown = false;
  std::thread waiting([&] {
    try {
      court.ask("mta1.acme.example");
    } catch (const std::runtime_error&) {
      thrown = true;
    }
  });
  court.await_stalled(1);
  court.gateway.close();
  waiting.join();
  CHECK(thrown);
  CHECK_THROWS_AS(court.ask("mta1.acme.example"), std::runtime_error);
}

TEST_CASE("gateway: what is known is judged on the caller's thread, and needs no loop") {
  Court court;
  asio::io_context no_loop{1};
  std::thread::id judged_on;
  service::JudgeGateway gateway{
      no_loop,
      [&](core::Question&& question, const config::ConfigPtr&) -> std::variant<core::Decision, core::Question> {
        if (question.claims.helo != "known") return std::move(question);
        judged_on = std::this_thread::get_id();
        return core::Decision{};
      },
      [&](core::Question question, config::ConfigPtr) { return court.judge(std::move(question)); }};
  const auto ask = [&](const char* helo) {
    core::Question question{&court.config->rules->services().front(), {}, {}, {}};
    question.claims.helo = helo;
    return gateway.judge(std::move(question), court.config).outcome.detail;
  };
  CHECK(ask("known").empty());
  CHECK(judged_on == std::this_thread::get_id());
  auto work = asio::make_work_guard(no_loop);
  std::thread loop([&] { no_loop.run(); });
  CHECK(ask("mta1.acme.example") == "mta1.acme.example");
  work.reset();
  loop.join();
  gateway.close();
  CHECK_THROWS_AS(ask("known"), std::runtime_error);
}
