#include "daemon/service/overloads.h"

#include "tests/service/captured_log.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace danegate;
using namespace std::chrono_literals;
using service::Bound;
using service::Burst;

namespace {

std::ptrdiff_t count(service::CapturedLog& captured, std::string_view text) {
  const auto lines = captured.lines();
  return std::ranges::count_if(lines, [&](const std::string& line) { return (line + " ").contains(text); });
}

} // namespace

TEST_CASE("Burst: told when it begins, every ten minutes while it lasts, and when it is over") {
  const Burst::Time start{1000h};
  Burst burst;
  CHECK_FALSE(burst.report(start));
  CHECK(burst.note(start));
  CHECK_FALSE(burst.note(start + 1s));
  CHECK_FALSE(burst.report(start + 10s));
  const auto over = burst.report(start + 11s);
  REQUIRE(over);
  CHECK(over->over);
  CHECK(over->count == 2);
  CHECK(over->lasted == 1s);
  CHECK_FALSE(burst.active());

  CHECK(burst.note(start + 20s));
  std::vector<std::uint64_t> told;
  for (auto now = start + 21s; now < start + 20s + 25min; now += 1s) {
    CHECK_FALSE(burst.note(now));
    if (const auto report = burst.report(now)) {
      CHECK_FALSE(report->over);
      told.push_back(report->count);
    }
  }
  CHECK(told == std::vector<std::uint64_t>{601, 1201});
}

TEST_CASE("Overloads: counted for ever, logged at both ends of a burst") {
  service::CapturedLog captured;
  boost::asio::io_context loop(1);
  Burst::Time now{1000h};
  service::Overloads overloads(loop, captured.log, [&now] { return now; });
  const auto client = core::IpAddress::parse("192.0.2.7");
  for (int i = 0; i < 500; ++i)
    overloads.note(Bound::lookups_per_client, client);
  overloads.note(Bound::requeries);
  overloads.note_told(Bound::policy_connections);
  overloads.report();
  CHECK(count(captured, "event=overload ") == 2);
  CHECK(count(captured, "limit=limits.lookups-per-client client=192.0.2.7") == 1);
  CHECK(count(captured, "event=overload-over") == 0);

  now += Burst::quiet;
  overloads.report();
  CHECK(count(captured, "event=overload-over") == 3);
  CHECK(count(captured, "limit=limits.lookups-per-client count=500 seconds=0") == 1);
  overloads.note(Bound::lookups_per_client, client);
  CHECK(count(captured, "event=overload ") == 3);
  CHECK(overloads.count(Bound::lookups_per_client) == 501);
  CHECK(overloads.count(Bound::policy_connections) == 1);
  CHECK(overloads.count(Bound::lookups) == 0);
}

TEST_CASE("Overloads: several threads count") {
  service::CapturedLog captured;
  boost::asio::io_context loop(1);
  service::Overloads overloads(loop, captured.log);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i)
        overloads.note(Bound::milter_verdicts);
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(overloads.count(Bound::milter_verdicts) == 4000);
  CHECK(count(captured, "event=overload ") == 1);
}
