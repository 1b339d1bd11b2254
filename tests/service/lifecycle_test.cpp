#include "daemon/service/lifecycle.h"
#include "tests/service/captured_log.h"
#include "tests/service/notify_socket.h"
#include "tests/support/catch.h"

#include <boost/asio/post.hpp>

#include <atomic>
#include <csignal>
#include <future>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace danegate;
using namespace std::chrono_literals;
using service::CapturedLog;
using service::Lifecycle;
using service::LoadOutcome;

namespace {

config::ConfigPtr make_config(const std::string& id) {
  auto config = std::make_shared<config::Config>();
  config->server.authserv_id = id;
  config->rules = std::make_shared<core::RuleSet>(std::vector<core::Service>{}, std::vector<core::Rule>{},
                                                  std::vector<core::DnsName>{}, false);
  return config;
}

class Fake final : public service::Managed {
public:
  config::ConfigPtr current() const override { return config; }

  std::expected<void, std::string> apply(config::ConfigPtr next) override {
    ++applied;
    if (refusal == "throw") throw std::runtime_error("out of descriptors");
    if (!refusal.empty()) return std::unexpected(refusal);
    config = std::move(next);
    return {};
  }

  void drain(std::function<void()> done) override {
    ++drains;
    finish = std::move(done);
  }

  std::size_t connections() const override { return in_flight; }

  std::chrono::milliseconds drain_limit() const override { return limit; }

  config::ConfigPtr config = make_config("first");
  std::string refusal;
  int applied = 0;
  int drains = 0;
  std::function<void()> finish;
  std::size_t in_flight = 0;
  std::chrono::milliseconds limit = 10s;
};

struct Stage {
  explicit Stage(Lifecycle::Load load) : lifecycle(loop, captured.log, fake, std::move(load)) {
    lifecycle.start(signals);
  }

  std::vector<std::string> lines() { return captured.lines(); }

  /// A load that never ends is the test program's timeout.
  void run_until_loaded() {
    while (lifecycle.loading())
      loop.run_one();
  }

  NotifySocket manager;
  boost::asio::io_context loop;
  boost::asio::signal_set signals{loop, SIGHUP};
  CapturedLog captured;
  Fake fake;
  Lifecycle lifecycle;
};

LoadOutcome wrong() {
  std::vector<config::ConfigError> errors;
  errors.push_back({.file = "/etc/danegate/danegate.toml", .line = 3, .column = 7, .message = "expected a string"});
  errors.push_back({.file = "/etc/danegate/conf.d/a.toml", .line = 1, .column = 1, .message = "unknown key \"x\""});
  return std::unexpected(std::move(errors));
}

} // namespace

TEST_CASE("A signal cuts no system call short: libunbound would take it for the end of its thread") {
  Stage stage([]() -> LoadOutcome { return make_config("second"); });
  for (const int number : {SIGHUP, SIGTERM, SIGINT}) {
    CAPTURE(number);
    struct sigaction action{};
    REQUIRE(::sigaction(number, nullptr, &action) == 0);
    CHECK(action.sa_handler != SIG_DFL);
    CHECK((action.sa_flags & SA_RESTART) != 0);
  }
}

TEST_CASE("SIGHUP puts a new configuration into force, read on another thread") {
  std::atomic<bool> elsewhere = false;
  const auto main_thread = std::this_thread::get_id();
  Stage stage([&]() -> LoadOutcome {
    elsewhere = std::this_thread::get_id() != main_thread;
    auto config = std::make_shared<config::Config>(*make_config("second"));
    config->warnings.push_back({.file = "a.toml", .line = 9, .column = 1, .message = "unreachable rule"});
    return config;
  });
  CHECK(stage.manager.take() == "READY=1\nSTATUS=Running");
  std::raise(SIGHUP);
  while (stage.fake.applied == 0)
    stage.loop.run_one();
  stage.run_until_loaded();
  CHECK(elsewhere);
  CHECK(stage.lifecycle.reloads().applied == 1);
  CHECK_FALSE(stage.lifecycle.reloads().failing);
  CHECK(stage.fake.config->server.authserv_id == "second");
  CHECK(stage.lines() ==
        std::vector<std::string>{
            R"(level=warning event=config-warning msg="the configuration is in force, but look at it" )"
            R"(warning="a.toml:9:1: unreachable rule")",
            R"(level=info event=reloaded msg="the new configuration is in force")"});
  CHECK(stage.manager.take().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(stage.manager.take() == "READY=1\nSTATUS=Running");
}

TEST_CASE("a wrong configuration changes nothing, and every mistake is a line with its place") {
  Stage stage([] { return wrong(); });
  stage.manager.take();
  stage.lifecycle.reload();
  stage.run_until_loaded();
  CHECK(stage.fake.applied == 0);
  CHECK(stage.fake.config->server.authserv_id == "first");
  const std::string head =
      R"(level=error event=reload-failed msg="the configuration is wrong; the old one stays" error=)";
  CHECK(stage.lines() == std::vector<std::string>{head + R"("/etc/danegate/danegate.toml:3:7: expected a string")",
                                                  head + R"("/etc/danegate/conf.d/a.toml:1:1: unknown key \"x\"")"});
  CHECK(stage.manager.take().starts_with("RELOADING=1\n"));
  CHECK(stage.manager.take().starts_with("READY=1\nSTATUS=Running with the configuration of before"));
}

TEST_CASE("reloads are counted by what became of them") {
  bool good = false;
  Stage stage([&]() -> LoadOutcome { return good ? LoadOutcome(make_config("second")) : wrong(); });
  for (const bool each : {false, false, true, true, false}) {
    good = each;
    stage.lifecycle.reload();
    stage.run_until_loaded();
    CHECK(stage.lifecycle.reloads().failing == !each);
  }
  CHECK(stage.lifecycle.reloads().applied == 2);
  CHECK(stage.lifecycle.reloads().failed == 3);
}

TEST_CASE("it serves from its start to the beginning of the drain") {
  NotifySocket manager;
  boost::asio::io_context loop;
  boost::asio::signal_set signals{loop, SIGHUP};
  CapturedLog captured;
  Fake fake;
  Lifecycle lifecycle(loop, captured.log, fake, [] { return wrong(); });
  CHECK_FALSE(lifecycle.serving());
  lifecycle.start(signals);
  CHECK(lifecycle.serving());
  lifecycle.stop("test");
  CHECK_FALSE(lifecycle.serving());
}

TEST_CASE("a reload that fails in some other way changes nothing") {
  SECTION("the configuration cannot be put into force") {
    Stage stage([] { return LoadOutcome(make_config("second")); });
    stage.fake.refusal = "inet:127.0.0.1:25: address in use";
    stage.lifecycle.reload();
    stage.run_until_loaded();
    CHECK(stage.fake.config->server.authserv_id == "first");
    CHECK(stage.lines() ==
          std::vector<std::string>{
              R"(level=error event=reload-failed msg="the configuration cannot be put into force; the old one stays" )"
              R"(error="inet:127.0.0.1:25: address in use")"});
  }
  SECTION("putting it into force throws") {
    Stage stage([] { return LoadOutcome(make_config("second")); });
    stage.fake.refusal = "throw";
    stage.lifecycle.reload();
    stage.run_until_loaded();
    CHECK(stage.fake.config->server.authserv_id == "first");
    CHECK(stage.lines().at(0).ends_with(R"(error="out of descriptors")"));
  }
  SECTION("reading it throws") {
    Stage stage([]() -> LoadOutcome { throw std::runtime_error("out of luck"); });
    stage.lifecycle.reload();
    stage.run_until_loaded();
    CHECK(stage.fake.applied == 0);
    CHECK(stage.lines().at(0).ends_with(R"(error="configuration: out of luck")"));
  }
}

TEST_CASE("any number of SIGHUPs during a reload make one more") {
  std::counting_semaphore<8> started(0);
  std::counting_semaphore<8> go_on(0);
  std::atomic<int> loads = 0;
  Stage stage([&] {
    ++loads;
    started.release();
    go_on.acquire();
    return LoadOutcome(make_config("next"));
  });
  stage.lifecycle.reload();
  started.acquire();
  for (int i = 0; i < 3; ++i)
    stage.lifecycle.reload();
  CHECK(loads == 1);
  go_on.release(8);
  while (stage.fake.applied < 2)
    stage.loop.run_one();
  CHECK_FALSE(stage.lifecycle.loading());
  CHECK(loads == 2);
}

TEST_CASE("a replaced snapshot is freed off the loop, once no request uses it") {
  std::promise<std::thread::id> freed;
  auto freed_by = freed.get_future();
  const auto* plain = new config::Config(*make_config("watched"));
  config::ConfigPtr watched(plain, [&freed](const config::Config* config) {
    delete config;
    freed.set_value(std::this_thread::get_id());
  });
  Stage stage([] { return LoadOutcome(make_config("second")); });
  stage.fake.config = watched;
  stage.lifecycle.reload();
  stage.run_until_loaded();
  stage.loop.run_for(120ms); // a look at it
  CHECK(freed_by.wait_for(0s) == std::future_status::timeout);
  SECTION("a request held the snapshot") {
    watched.reset();
  }
  SECTION("a verdict held its rules only") {
    const auto rules = watched->rules;
    watched.reset();
    stage.loop.run_for(120ms);
    CHECK(freed_by.wait_for(0s) == std::future_status::timeout);
  }
  while (freed_by.wait_for(0s) == std::future_status::timeout)
    stage.loop.run_one_for(50ms);
  CHECK(freed_by.get() != std::this_thread::get_id());
}

TEST_CASE("SIGTERM drains, a second one does not wait") {
  const int signal = GENERATE(SIGTERM, SIGINT);
  Stage stage([] { return wrong(); });
  stage.manager.take();
  stage.fake.in_flight = 1;
  const auto work = boost::asio::make_work_guard(stage.loop);

  SECTION("until nothing is in flight") {
    std::raise(signal);
    while (stage.fake.drains == 0)
      stage.loop.run_one();
    stage.loop.run_for(20ms);
    CHECK_FALSE(stage.loop.stopped());
    stage.fake.in_flight = 0;
    stage.fake.finish();
    stage.loop.run();
    CHECK(stage.lines().size() == 1);
  }
  SECTION("for a bounded time") {
    stage.fake.limit = 50ms;
    std::raise(signal);
    stage.loop.run();
    CHECK(stage.lines().at(1) ==
          "level=warning event=stopping msg=\"time is up: requests in flight are cut off\" connections=1");
  }
  SECTION("a second signal") {
    std::raise(signal);
    while (stage.fake.drains == 0)
      stage.loop.run_one();
    std::raise(signal);
    stage.loop.run();
    CHECK(stage.lines().at(1).find("stopping at once") != std::string::npos);
  }
  CHECK(stage.loop.stopped());
  CHECK(stage.fake.drains == 1);
  CHECK(stage.lines().at(0).starts_with("level=info event=stopping"));
  CHECK(stage.lines().at(0).ends_with(signal == SIGTERM ? "why=SIGTERM" : "why=SIGINT"));
  CHECK(stage.manager.take().starts_with("STOPPING=1\n"));
}

TEST_CASE("what a handler throws ends nothing else") {
  Stage stage([] { return wrong(); });
  boost::asio::post(stage.loop, [] { throw std::runtime_error("a mistake\nof ours"); });
  boost::asio::post(stage.loop, [&stage] { stage.lifecycle.stop("test"); });
  boost::asio::post(stage.loop, [&stage] { stage.fake.finish(); });
  stage.lifecycle.run();
  const auto lines = stage.lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == R"(level=error event=internal-error msg="a handler failed; the daemon goes on" )"
                    R"(error="a mistake\x0aof ours")");
  CHECK(lines[1].ends_with("why=test"));
}

TEST_CASE("nothing is reloaded while draining") {
  std::counting_semaphore<8> go_on(0);
  Stage stage([&] {
    go_on.acquire();
    return LoadOutcome(make_config("second"));
  });
  stage.fake.in_flight = 1;
  stage.lifecycle.reload();
  stage.lifecycle.stop("test");
  stage.lifecycle.reload();
  CHECK(stage.lifecycle.loading());
  go_on.release(8);
  stage.run_until_loaded();
  CHECK(stage.fake.applied == 0);
  CHECK(stage.fake.config->server.authserv_id == "first");
}

TEST_CASE("who asks for a reload hears what came of one that began afterwards") {
  std::binary_semaphore gate{0};
  std::atomic<int> loads = 0;
  Stage stage([&]() -> LoadOutcome {
    gate.acquire();
    if (++loads == 2) return wrong();
    auto config = std::make_shared<config::Config>(*make_config("loaded"));
    config->warnings.push_back({.file = "a.toml", .line = 9, .column = 1, .message = "unreachable rule"});
    return config;
  });
  CHECK_FALSE(stage.lifecycle.last_reload());
  std::vector<std::string> heard;
  const auto note = [&](const char* who) {
    return [&heard, who](const service::ReloadReport& report) {
      heard.push_back(std::string(who) + (report.ok() ? " ok" : " " + report.errors.at(0)) +
                      (report.warnings.empty() ? "" : " " + report.warnings.at(0)));
    };
  };
  stage.lifecycle.reload(note("first"));
  stage.lifecycle.reload(note("second")); // while the first one reads: a further reload
  stage.lifecycle.reload(note("third"));
  stage.lifecycle.reload();
  gate.release();
  while (heard.empty())
    stage.loop.run_one();
  CHECK(heard == std::vector<std::string>{"first ok a.toml:9:1: unreachable rule"});
  gate.release();
  stage.run_until_loaded();
  const std::string refused = " /etc/danegate/danegate.toml:3:7: expected a string";
  CHECK(heard == std::vector<std::string>{heard[0], "second" + refused, "third" + refused});
  CHECK(loads == 2);
  REQUIRE(stage.lifecycle.last_reload());
  CHECK(stage.lifecycle.last_reload()->errors.size() == 2);

  SECTION("a configuration that cannot be put into force") {
    stage.fake.refusal = "unix:/x: cannot bind";
    stage.lifecycle.reload(note("fourth"));
    gate.release();
    stage.run_until_loaded();
    CHECK(heard.back() == "fourth unix:/x: cannot bind");
  }
  SECTION("a daemon that is about to end") {
    stage.lifecycle.reload(note("waiting"));
    stage.lifecycle.stop("SIGTERM");
    CHECK(heard.back() == "waiting danegated is stopping: nothing is reloaded");
    stage.lifecycle.reload(note("late"));
    CHECK(heard.back() == "late danegated is stopping: nothing is reloaded");
    gate.release();
    stage.run_until_loaded();
    CHECK(heard.size() == 5);
  }
}
