// What is measured of the parts that verdicts go through: counts follow what happened, gauges what is.
#include "daemon/service/measurements.h"

#include "daemon/service/overloads.h"
#include "tests/core/roster_scene.h"
#include "tests/service/authenticator_bench.h"
#include "tests/service/captured_log.h"
#include "tests/support/catch.h"

#include <numeric>

using namespace danegate;
using namespace danegate::test;
using service::LookupOutcome;
using service::Measurements;
using service::RosterKeeper;

namespace {

struct House {
  House() {
    bench.roster_settings.refresh_per_second = 1000;
    bench.use({});
    keeper = RosterKeeper::make(bench.loop, log.log, real_ports().hash, [this] { return bench.now; });
    bench.authenticator().use_roster(keeper);
    bench.authenticator().watch(
        {.bound = [this](service::Bound bound, const auto& client) { overloads.note(bound, client); }, .hold_off = {}});
  }

  ~House() { bench.end_authenticator(); }

  Measurements measure() { return service::measure(bench.authenticator(), *keeper, overloads); }

  static Scene scene() {
    Scene scene = two_partners();
    scene.rules.insert(scene.rules.begin(), naming("named", {"mta1.named.example"}));
    scene.rules.front().senders = {senders("named.example")};
    return scene;
  }

  service::CapturedLog log;
  Bench bench{scene()};
  service::Overloads overloads{bench.loop, log.log};
  std::shared_ptr<RosterKeeper> keeper;
};

std::uint64_t count_of(const Measurements& now, LookupOutcome outcome) {
  return now.lookups.outcomes.at(static_cast<std::size_t>(outcome));
}

std::uint64_t timed(const Measurements& now) {
  const auto& counts = now.lookups.durations.counts();
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

} // namespace

TEST_CASE("measure: a lookup is in flight, then counted by its outcome; the cache is asked first") {
  House h;
  CHECK(h.measure().lookups.cache_misses == 0);
  const auto first = h.bench.ask();
  CHECK(h.measure().client_lookups == 1);
  CHECK(h.measure().lookups.cache_misses == 1);
  CHECK(timed(h.measure()) == 0);
  h.bench.finish(0, differing());
  CHECK(h.measure().client_lookups == 0);
  CHECK(count_of(h.measure(), LookupOutcome::secure) == 1);
  CHECK(h.measure().cache_entries == 1);

  h.bench.now += 1s;
  const auto second = h.bench.ask(); // known, and asked for again before it refuses
  CHECK(h.measure().lookups.cache_hits == 1);
  CHECK(h.measure().requeries == 1);
  CHECK(h.measure().client_lookups == 0);
  h.bench.finish(1, failed(FailureKind::timeout));
  CHECK(count_of(h.measure(), LookupOutcome::timeout) == 1);
  CHECK(h.measure().requeries == 0);
  CHECK(timed(h.measure()) == 2);
}

TEST_CASE("measure: what a limit refuses is overload, by limit and among the lookups, and took no time") {
  House h;
  config::Limits limits;
  limits.lookups_per_client = 1;
  h.bench.use(limits);
  const auto first = h.bench.ask("mta1.acme.example");
  const auto refused = h.bench.ask("mta1.beta.example");
  CHECK(words(refused) == "temperror overload defer");
  const auto now = h.measure();
  CHECK(now.overloads.at(service::index_of(service::Bound::lookups_per_client)) == 1);
  CHECK(std::accumulate(now.overloads.begin(), now.overloads.end(), std::uint64_t{0}) == 1);
  CHECK(count_of(now, LookupOutcome::overload) == 1);
  CHECK(timed(now) == 0);
  h.bench.finish(0, matching());
}

TEST_CASE("measure: the roster's names by state, its lookups, and when its first signature ends") {
  House h;
  CHECK(h.measure().roster.unresolved == 1);
  CHECK_FALSE(h.measure().signatures_end);
  h.keeper->work(std::chrono::steady_clock::now());
  REQUIRE(h.bench.dns->asked() == 1);
  CHECK(h.measure().roster_lookups == 1);
  const auto end = std::chrono::time_point_cast<std::chrono::seconds>(h.bench.now) + 10h;
  h.bench.finish(0, signed_answer({right_key(), other_key()}, 3600s, end));
  const auto now = h.measure();
  CHECK(now.roster_lookups == 0);
  CHECK(now.roster.unresolved == 0);
  CHECK(now.roster.secure == 1);
  CHECK(count_of(now, LookupOutcome::secure) == 1);
  REQUIRE(now.signatures_end);
  CHECK(*now.signatures_end == end);
}
