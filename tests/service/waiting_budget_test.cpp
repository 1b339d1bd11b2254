#include "daemon/service/waiting_budget.h"

#include "tests/support/catch.h"

#include <string>

using namespace danegate;
using namespace std::chrono_literals;
using service::Bound;
using service::WaitingBudget;

namespace {

constexpr WaitingBudget::Time start{1000h};
constexpr WaitingBudget::Limits limits{.at_once = 3, .per_minute = 20s};

core::IpAddress client(const std::string& text = "192.0.2.1") {
  return core::IpAddress::parse(text).value();
}

} // namespace

TEST_CASE("WaitingBudget: so many of one client at a time, and others are unaffected") {
  WaitingBudget budget;
  for (int i = 0; i < 3; ++i)
    CHECK_FALSE(budget.begin(client(), limits, start));
  CHECK(budget.begin(client(), limits, start) == Bound::waiting_per_client);
  CHECK_FALSE(budget.begin(client("192.0.2.2"), limits, start));
  budget.end(client(), start);
  CHECK_FALSE(budget.begin(client(), limits, start));
}

TEST_CASE("WaitingBudget: waited time is bounded, and comes back by the minute") {
  WaitingBudget budget;
  auto now = start;
  // Three at a time wait 10 s each: 30 s, of which 20/6 have run out again.
  for (int i = 0; i < 3; ++i)
    REQUIRE_FALSE(budget.begin(client(), limits, now));
  now += 10s;
  for (int i = 0; i < 3; ++i)
    budget.end(client(), now);
  CHECK(budget.begin(client(), limits, now) == Bound::waited_per_client);
  now += 19s; // 20 s are left when 26.7 - 20 have run out at a third of a second a second
  CHECK(budget.begin(client(), limits, now) == Bound::waited_per_client);
  now += 2s;
  CHECK_FALSE(budget.begin(client(), limits, now));
}

TEST_CASE("WaitingBudget: on average a client waits as long as it may, whatever it does") {
  WaitingBudget budget;
  auto now = start;
  std::chrono::seconds waited{0};
  for (int i = 0; i < 600; ++i) { // ten minutes; it tries every second, and waits for 4 s
    if (!budget.begin(client(), limits, now)) {
      now += 4s;
      waited += 4s;
      budget.end(client(), now);
    } else {
      now += 1s;
    }
  }
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(now - start).count();
  CHECK(waited <= (minutes + 2) * 20s);
  CHECK(waited >= (minutes - 2) * 20s);
}

TEST_CASE("WaitingBudget: however often it is called, a bucket fills and runs out alike") {
  struct Row {
    const char* what;
    std::chrono::nanoseconds step; ///< between two calls
  };

  constexpr WaitingBudget::Limits small{.at_once = 2, .per_minute = 5s};
  for (const Row& row :
       {Row{"a second", 1s}, Row{"ten milliseconds", 10ms}, Row{"a fraction of a millisecond", 700us}}) {
    INFO(row.what);
    WaitingBudget budget;
    auto now = start;
    const auto pass = [&](std::chrono::seconds seconds) { // others of this client come and go, or are refused
      for (const auto end = now + seconds; now < end; now += row.step)
        if (!budget.begin(client(), small, now)) budget.end(client(), now);
    };
    REQUIRE_FALSE(budget.begin(client(), small, now)); // one that waits throughout
    pass(5s);                                          // 5 s, and 5 / 12 of them have run out again
    CHECK_FALSE(budget.begin(client(), small, now));
    budget.end(client(), now);
    pass(1s);
    CHECK(budget.begin(client(), small, now) == Bound::waited_per_client);
    budget.end(client(), now); // 6 s of waiting, less half a second
    pass(5s);
    CHECK(budget.begin(client(), small, now) == Bound::waited_per_client);
    pass(2s);
    CHECK_FALSE(budget.begin(client(), small, now));
  }
}

TEST_CASE("WaitingBudget: a clock that stands still or goes back breaks nothing") {
  WaitingBudget budget;
  REQUIRE_FALSE(budget.begin(client(), limits, start));
  budget.end(client(), start - 1h);
  CHECK_FALSE(budget.begin(client(), limits, start - 1h));
  budget.end(client(), start - 2h);
  budget.end(client(), start); // nobody's
  CHECK(budget.accounts() == 0);
}

TEST_CASE("WaitingBudget: accounts are bounded, and idle ones go") {
  WaitingBudget budget;
  const auto nth = [](std::size_t i) {
    return client("10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
                  std::to_string(i % 256));
  };
  for (std::size_t i = 0; i < WaitingBudget::max_accounts; ++i) {
    REQUIRE_FALSE(budget.begin(nth(i), limits, start));
    budget.end(nth(i), start + 3s);
  }
  CHECK(budget.accounts() == WaitingBudget::max_accounts);
  CHECK_FALSE(budget.begin(client(), limits, start + 4s)); // not counted
  CHECK(budget.accounts() == WaitingBudget::max_accounts);
  CHECK_FALSE(budget.begin(client(), limits, start + 60s));
  CHECK(budget.accounts() == 1);
}
