#include "daemon/core/due_times.h"
#include "tests/support/catch.h"

#include <map>
#include <random>

using danegate::core::DueTimes;

namespace {

constexpr std::int64_t start = 1'760'000'000'000;

} // namespace

TEST_CASE("due times: one time a number, the last one said; the earliest first") {
  DueTimes due;
  due.resize(4);
  due.set(0, start + 30);
  due.set(1, start + 10);
  due.set(2, start + 20);
  due.set(1, start + 40);
  due.clear(2);
  CHECK_FALSE(due.take(start + 29));
  CHECK(due.take(start + 30) == 0U);
  CHECK_FALSE(due.take(start + 39));
  CHECK(due.take(start + 1000) == 1U);
  CHECK_FALSE(due.take(start + 1000));
}

TEST_CASE("due times: as a map, while times are replaced again and again") {
  std::mt19937 random(3); // NOLINT: the same run each time
  DueTimes due;
  due.resize(50);
  std::map<std::uint32_t, std::int64_t> model;
  auto now = start;
  for (int step = 0; step < 20000; ++step) {
    const auto number = static_cast<std::uint32_t>(random() % 50);
    const auto time = now + static_cast<std::int64_t>(random() % 1000);
    due.set(number, time);
    model[number] = time;
    if (random() % 4 == 0) now += 7;
    while (const auto taken = due.take(now)) {
      REQUIRE(model.contains(*taken));
      CHECK(model[*taken] <= now);
      model.erase(*taken);
    }
    for (const auto& [known, when] : model)
      CHECK(when > now);
    CHECK(due.size() <= 170);
  }
}

TEST_CASE("due times: a clock that is far off ends nothing") {
  DueTimes due;
  due.resize(1);
  due.set(0, 0);
  CHECK(due.take(start) == 0U);
  due.set(0, INT64_MAX);
  CHECK_FALSE(due.take(start));
  CHECK(due.take(INT64_MAX) == 0U);
  due.set(0, start);
  CHECK_FALSE(due.take(0));
  CHECK_FALSE(due.is_behind(INT64_MIN / 2));
}
