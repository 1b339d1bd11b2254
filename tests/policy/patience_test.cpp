#include "policy/patience.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <vector>

using namespace danegate::policy;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime start{};

} // namespace

TEST_CASE("patience: what is overdue") {
  struct Row {
    const char* label;
    Phase phase;
    std::chrono::milliseconds age;
    bool overdue;
  };

  static constexpr Row rows[]{
      {"fresh", Phase::fresh, 29999ms, false},
      {"fresh too long", Phase::fresh, 30s, true},
      {"in a request", Phase::reading, 29999ms, false},
      {"in a request too long", Phase::reading, 30s, true},
      {"writing", Phase::writing, 29999ms, false},
      {"not read", Phase::writing, 30s, true},
      {"idle for six minutes", Phase::idle, 6min, false},
      {"idle", Phase::idle, 999999ms, false},
      {"idle too long", Phase::idle, 1000s, true},
      {"being judged", Phase::judging, 24h, false},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    CHECK(is_overdue({row.phase, start}, Patience{}, start + row.age) == row.overdue);
  }
}

TEST_CASE("patience: the setting counts for idle ones only") {
  const Patience short_idle{30s, 5s};
  CHECK(is_overdue({Phase::idle, start}, short_idle, start + 5s));
  CHECK_FALSE(is_overdue({Phase::fresh, start}, short_idle, start + 5s));
}

TEST_CASE("patience: who makes room, in order") {
  const std::vector<Activity> in_order{{Phase::fresh, start + 1s},
                                       {Phase::reading, start + 2s},
                                       {Phase::fresh, start + 9s},
                                       {Phase::idle, start},
                                       {Phase::idle, start + 3s}};
  for (const Activity& activity : in_order)
    CHECK(may_make_room(activity));
  CHECK_FALSE(may_make_room({Phase::judging, start}));
  CHECK_FALSE(may_make_room({Phase::writing, start}));

  auto sorted = in_order;
  std::ranges::reverse(sorted);
  std::ranges::stable_sort(sorted, goes_before);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    INFO(i);
    CHECK(sorted[i].phase == in_order[i].phase);
    CHECK(sorted[i].since == in_order[i].since);
  }
}
