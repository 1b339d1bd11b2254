#include "daemon/service/once_per_minute.h"
#include "tests/support/catch.h"

#include <chrono>
#include <optional>
#include <string>

using danegate::service::OncePerMinute;
using namespace std::chrono_literals;

TEST_CASE("one event a minute and key, with the count of the others") {
  OncePerMinute limiter;
  const OncePerMinute::TimePoint start{1h};

  struct Row {
    const char* label;
    const char* key;
    std::chrono::milliseconds at;
    std::optional<std::size_t> admitted;
  };

  const Row rows[] = {
      {"first", "a", 0ms, 0},
      {"at once again", "a", 0ms, std::nullopt},
      {"another key", "b", 1ms, 0},
      {"just before the minute is over", "a", 59999ms, std::nullopt},
      {"the minute is over", "a", 60000ms, 2},
      {"a new minute", "a", 60001ms, std::nullopt},
      {"long after", "a", 600000ms, 1},
      {"nothing suppressed between", "a", 700000ms, 0},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    CHECK(limiter.admit(row.key, start + row.at) == row.admitted);
  }
}

TEST_CASE("the table is bounded, and what was logged longest ago goes first") {
  OncePerMinute limiter;
  const OncePerMinute::TimePoint start{1h};
  for (std::size_t i = 0; i < OncePerMinute::max_keys; ++i)
    REQUIRE(limiter.admit(std::to_string(i), start + std::chrono::milliseconds(i)) == 0U);
  CHECK(limiter.size() == OncePerMinute::max_keys);
  CHECK(limiter.admit("one more", start + 2s) == 0U);
  CHECK(limiter.size() == OncePerMinute::max_keys);
  CHECK_FALSE(limiter.admit("1", start + 2s)); // still there
  CHECK(limiter.admit("0", start + 2s) == 0U); // forgotten
}
