// What a verdict does not wait for: names that failed for its message, names that are held off, a client's turn.
#include "daemon/service/authenticator.h"
#include "tests/service/authenticator_bench.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace danegate;
using namespace danegate::test;
using service::Bound;

namespace {

/// A bench that notes what it is told.
struct Watched : Bench {
  using Bench::Bench;

  void watch() {
    authenticator().watch({.bound = [this](Bound bound, const std::optional<IpAddress>&) { bounds.push_back(bound); },
                           .hold_off = [this](const HoldOff::Change& change) { changes.push_back(change); }});
  }

  std::shared_ptr<Asked> ask_of(const std::string& message, const char* helo = "mta1.acme.example") {
    auto q = question(helo);
    q.message = message;
    return ask(std::move(q));
  }

  /// Fails as many names below acme.example as make a probe, which is sent at once.
  void fail_acme() {
    for (const char* helo : {"a.acme.example", "b.acme.example", "c.acme.example"}) {
      const auto asked = ask(helo);
      finish(dns->asked() - 1, failed(FailureKind::timeout));
      REQUIRE(words(asked) == "temperror dns-timeout defer");
    }
    REQUIRE(dns->names().back() == "acme.example");
  }

  std::vector<Bound> bounds;
  std::vector<HoldOff::Change> changes;
};

} // namespace

TEST_CASE("authenticator: within one message a name that could not be looked up is waited for once") {
  Watched b;
  const auto first = b.ask_of("1");
  b.finish(0, failed(FailureKind::timeout));
  CHECK(words(first) == "temperror dns-timeout defer");
  b.now += 31s; // the cache has forgotten it
  CHECK(words(b.ask_of("1")) == "temperror dns-timeout defer");
  CHECK(b.dns->asked() == 1);
  const auto other = b.ask_of("2");
  CHECK(b.dns->asked() == 2);
  CHECK(words(b.ask_of("1", "mta2.acme.example")) == "-"); // another name
}

TEST_CASE("authenticator: a re-query that failed is not made again for the same message") {
  Watched b;
  const auto primed = b.ask_of("0");
  b.finish(0, differing());
  REQUIRE(words(primed) == "fail mismatch reject");
  b.now += 1s;
  const auto first = b.ask_of("1");
  REQUIRE(b.dns->asked() == 2);
  b.finish(1, failed(FailureKind::timeout));
  CHECK(words(first) == "temperror dns-timeout defer");
  b.now += 31s;
  CHECK(words(b.ask_of("1")) == "temperror dns-timeout defer");
  CHECK(b.dns->asked() == 2);
}

TEST_CASE("authenticator: names below a parent that does not answer are held off, until it does") {
  Watched b;
  b.watch();
  b.fail_acme();
  const std::size_t probe = b.dns->asked() - 1;
  b.finish(probe, failed(FailureKind::timeout));
  REQUIRE(b.changes.size() == 1);
  CHECK(b.changes[0].kind == HoldOff::Change::Kind::begun);
  CHECK(b.authenticator().held_off() == 1);

  const auto held = b.ask("d.acme.example");
  CHECK(words(held) == "temperror dns-timeout defer");
  CHECK(held->decision->outcome.detail.starts_with("held off: acme.example"));
  CHECK(b.dns->asked() == probe + 1);
  const auto other = b.ask("mta1.beta.example");
  CHECK(b.dns->asked() == probe + 2);

  b.dns->late(dns_name("acme.example"), absent()); // it was only slow
  REQUIRE(b.changes.size() == 2);
  CHECK(b.changes[1].kind == HoldOff::Change::Kind::ended);
  CHECK(b.changes[1].refused == 1);
  const auto again = b.ask("d.acme.example");
  CHECK(b.dns->asked() == probe + 3);
  b.finish(probe + 2, matching());
  CHECK(words(again) == "pass match tag");
}

TEST_CASE("authenticator: new anchors or upstreams end every hold-off") {
  Watched b;
  b.watch();
  b.fail_acme();
  b.finish(b.dns->asked() - 1, failed(FailureKind::timeout));
  REQUIRE(b.authenticator().held_off() == 1);
  b.authenticator().reconfigure(b.config, b.dns->source());
  CHECK(b.authenticator().held_off() == 0);
  REQUIRE(b.changes.size() == 2);
  CHECK(b.changes[1].kind == HoldOff::Change::Kind::forgotten);
  CHECK(words(b.ask("d.acme.example")) == "-");
}

TEST_CASE("authenticator: a probe that is under way when the source goes comes to nothing") {
  Watched b;
  b.watch();
  b.fail_acme();
  b.authenticator().reconfigure(b.config, b.dns->source()); // which has the old one answer its waiters
  b.turn();
  CHECK(b.changes.empty());
  CHECK(b.authenticator().held_off() == 0);
}

TEST_CASE("authenticator: so many verdicts of one client wait at a time, also for one name") {
  Watched b;
  config::Limits limits;
  limits.waiting_per_client = 3;
  b.use(limits);
  b.watch();
  std::vector<std::shared_ptr<Asked>> waiting;
  for (int i = 0; i < 3; ++i)
    waiting.push_back(b.ask());
  CHECK(words(b.ask()) == "temperror overload defer");
  CHECK(b.bounds == std::vector<Bound>{Bound::waiting_per_client});
  const auto neighbour = b.ask("mta1.acme.example", "192.0.2.2");
  CHECK(words(neighbour) == "-");
  CHECK(b.dns->asked() == 4); // equal lookups are one in the resolver, which this DNS is not
  for (std::size_t i = 0; i < 4; ++i)
    b.finish(i, matching());
  for (const auto& asked : waiting)
    CHECK(words(asked) == "pass match tag");
  b.now += 2h;
  CHECK(words(b.ask()) == "-"); // their turn is over
}

TEST_CASE("authenticator: verdicts that wait for nothing are not bounded by waiting") {
  Watched b;
  config::Limits limits;
  limits.waiting_per_client = 1;
  b.use(limits);
  const auto primed = b.ask();
  b.finish(0, matching());
  const auto waits = b.ask("mta2.acme.example");
  for (int i = 0; i < 20; ++i)
    CHECK(words(b.ask()) == "pass match tag");
  CHECK(words(waits) == "-");
}

TEST_CASE("authenticator: each bound that is met is told") {
  struct Case {
    Bound bound;
    std::size_t config::Limits::*limit;
  };

  for (const Case& c : {Case{Bound::lookups, &config::Limits::lookups},
                        Case{Bound::lookups_per_client, &config::Limits::lookups_per_client},
                        Case{Bound::lookups_per_entry, &config::Limits::lookups_per_entry},
                        Case{Bound::waiting_per_client, &config::Limits::waiting_per_client}}) {
    INFO(service::name_of(c.bound));
    Watched b;
    config::Limits limits;
    limits.*c.limit = 1;
    b.use(limits);
    b.watch();
    const auto first = b.ask("mta1.acme.example");
    const auto second = b.ask("mta2.acme.example");
    CHECK(words(second) == "temperror overload defer");
    CHECK(second->decision->outcome.detail == service::name_of(c.bound));
    CHECK(b.bounds == std::vector<Bound>{c.bound});
  }
  Watched b;
  config::Limits limits;
  limits.records_per_name = 1;
  b.use(limits);
  b.watch();
  const auto asked = b.ask();
  b.finish(0, secure({other_key(), right_key()}));
  CHECK(words(asked) == "temperror overload defer");
  CHECK(b.bounds == std::vector<Bound>{Bound::records_per_name});
}

TEST_CASE("authenticator: a flood of lookups leaves re-queries their reserve, and the other way round") {
  Watched b;
  config::Limits limits;
  limits.lookups = 1;
  limits.requeries = 1;
  b.use(limits);
  b.watch();
  for (const char* helo : {"mta1.acme.example", "mta2.acme.example"}) {
    const auto primed = b.ask(helo);
    b.finish(b.dns->asked() - 1, differing());
  }
  b.now += 1s;
  const auto flood = b.ask("mta3.acme.example");
  REQUIRE(b.dns->asked() == 3);
  const auto first = b.ask("mta1.acme.example", "192.0.2.2");
  REQUIRE(b.dns->asked() == 4);
  CHECK(b.dns->lookup(3).freshness == dns::Freshness::fresh);
  CHECK(words(b.ask("mta2.acme.example", "192.0.2.3")) == "temperror overload defer");
  CHECK(b.bounds == std::vector<Bound>{Bound::requeries});
  b.finish(2, matching());
  CHECK(words(b.ask("mta4.acme.example", "192.0.2.4")) == "-"); // one of the lookups again, beside the re-query
  b.finish(3, matching());
  CHECK(words(first) == "pass match tag");
}
