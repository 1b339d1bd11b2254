#include "daemon/service/notify.h"
#include "tests/service/notify_socket.h"
#include "tests/support/catch.h"

#include <chrono>
#include <string>

#include <time.h>

using danegate::service::Notify;

TEST_CASE("the service manager hears what happens") {
  const NotifySocket manager;
  boost::asio::io_context loop;
  Notify notify(loop);
  notify.ready("Running");
  CHECK(manager.take() == "READY=1\nSTATUS=Running");
  notify.stopping("Finishing");
  CHECK(manager.take() == "STOPPING=1\nSTATUS=Finishing");

  timespec before{};
  ::clock_gettime(CLOCK_MONOTONIC, &before);
  notify.reloading();
  const std::string message = manager.take();
  const std::string head = "RELOADING=1\nMONOTONIC_USEC=";
  REQUIRE(message.starts_with(head));
  const auto microseconds = std::stoull(message.substr(head.size()));
  CHECK(microseconds / 1'000'000 >= static_cast<unsigned long long>(before.tv_sec));
  CHECK(microseconds / 1'000'000 <= static_cast<unsigned long long>(before.tv_sec) + 60);
  CHECK(manager.take().empty());
}

TEST_CASE("the watchdog is fed from the loop, if somebody set one") {
  const NotifySocket manager;
  boost::asio::io_context loop;
  Notify notify(loop);

  SECTION("none set") {
    notify.start_watchdog();
    CHECK(loop.run() == 0);
    CHECK(manager.take().empty());
  }
  SECTION("twice an interval") {
    ::setenv("WATCHDOG_USEC", "20000", 1);
    notify.start_watchdog();
    ::unsetenv("WATCHDOG_USEC");
    CHECK(manager.take() == "WATCHDOG=1");
    CHECK(manager.take().empty()); // only the loop feeds it
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 3; ++i) {
      loop.run_one();
      CHECK(manager.take() == "WATCHDOG=1");
    }
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(30)); // no faster than asked
    notify.stop_watchdog();
    loop.run();
    CHECK(manager.take().empty());
  }
  SECTION("for another process") {
    ::setenv("WATCHDOG_USEC", "20000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    notify.start_watchdog();
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
    CHECK(loop.run() == 0);
    CHECK(manager.take().empty());
  }
}

TEST_CASE("a manager that does not listen blocks nobody, and hears everything in order later") {
  const NotifySocket manager;
  boost::asio::io_context loop;
  Notify notify(loop);
  constexpr std::size_t sent = 1000; // the kernel keeps net.unix.max_dgram_qlen, 10 to 512
  for (std::size_t i = 0; i < sent; ++i)
    notify.ready(std::to_string(i));
  std::size_t received = 0;
  std::size_t expected = 0;
  const auto receive = [&] {
    for (std::string message = manager.take(); !message.empty(); message = manager.take()) {
      const std::size_t number = std::stoul(message.substr(message.rfind('=') + 1));
      CHECK(number >= expected); // in order; those in the middle were dropped
      expected = number + 1;
      ++received;
    }
  };
  receive();
  REQUIRE(received < sent);
  CHECK(expected == received); // so far none is missing
  while (expected < sent) {
    loop.run_one();
    receive();
  }
  CHECK(received >= Notify::max_waiting);
}

TEST_CASE("addresses that are none of ours are ignored") {
  for (const char* address : {"", "vsock:2:1234", "relative"}) {
    INFO(address);
    ::setenv("NOTIFY_SOCKET", address, 1);
    boost::asio::io_context loop;
    Notify notify(loop);
    notify.ready("Running");
    CHECK(loop.run() == 0);
  }
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  boost::asio::io_context loop;
  Notify notify(loop);
  notify.ready("Running");
  CHECK(loop.run() == 0);
  ::setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
  Notify gone(loop);
  gone.ready("Running");
  CHECK(loop.run() == 0);
  ::unsetenv("NOTIFY_SOCKET");
}

TEST_CASE("without a manager nothing happens") {
  boost::asio::io_context loop;
  Notify notify(loop);
  notify.ready("Running");
  notify.reloading();
  notify.stopping("Finishing");
  notify.start_watchdog();
  CHECK(loop.run() == 0);
}
