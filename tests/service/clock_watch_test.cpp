#include "daemon/service/clock_watch.h"

#include "tests/support/catch.h"

#include <vector>

using namespace danegate;
using namespace std::chrono_literals;
using service::ClockSteps;

TEST_CASE("ClockSteps: a clock that is set is noticed once, one that is slewed or a timer that is late is not") {
  struct Tick {
    std::chrono::milliseconds wall;
    std::chrono::milliseconds steady;
    std::chrono::milliseconds step; ///< 0: none
  };

  const std::vector<Tick> ticks{
      {0ms, 0ms, 0ms},
      {1000ms, 1000ms, 0ms},
      {31000ms, 31000ms, 0ms},
      {32001ms, 32000ms, 0ms},
      {29000ms, 33000ms, -4001ms},
      {30000ms, 34000ms, 0ms},
      {3631000ms, 35000ms, 3600000ms},
      {3632000ms, 36000ms, 0ms},
      {33000ms, 37000ms, -3600000ms},
  };
  ClockSteps steps;
  for (const Tick& tick : ticks) {
    INFO(tick.steady.count());
    const auto step = steps.note(ClockSteps::Wall(1000h + tick.wall), ClockSteps::Steady(50h + tick.steady));
    CHECK(step.value_or(0ms) == tick.step);
  }
}
