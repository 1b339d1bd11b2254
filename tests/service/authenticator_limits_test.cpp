// How many lookups a client, a partner and everybody may have in the resolver, and what those over the limit get.
#include "daemon/service/authenticator.h"
#include "tests/service/authenticator_bench.h"
#include "tests/support/catch.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

using namespace danegate;
using namespace danegate::test;

namespace {

config::Limits limits_with(std::size_t lookups, std::size_t per_client, std::size_t per_entry) {
  config::Limits limits;
  limits.lookups = lookups;
  limits.lookups_per_client = per_client;
  limits.lookups_per_entry = per_entry;
  return limits;
}

} // namespace

TEST_CASE("authenticator: past a limit the verdict is overload, at once, and others are unaffected") {
  struct Case {
    const char* label;
    config::Limits limits;
    const char* refused_helo;
    const char* refused_client;
    const char* other_helo; ///< null: nothing else is admitted
    const char* other_client;
  };

  const std::vector<Case> cases{
      {"in all", limits_with(1, 8, 32), "mta1.beta.example", "192.0.2.2", nullptr, nullptr},
      {"per client", limits_with(512, 1, 32), "mta1.beta.example", "2001:db8::1", "mta2.beta.example", "192.0.2.2"},
      {"per client, by /64", limits_with(512, 1, 32), "mta1.beta.example", "2001:db8::ffff:1", "mta2.beta.example",
       "2001:db8:0:1::1"},
      {"per entry", limits_with(512, 8, 1), "mta2.acme.example", "192.0.2.2", "mta1.beta.example", "192.0.2.2"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    Bench b;
    b.use(c.limits);
    const auto first = b.ask("mta1.acme.example", "2001:db8::1");
    REQUIRE(b.dns->asked() == 1);
    const auto refused = b.ask(c.refused_helo, c.refused_client);
    CHECK(words(refused) == "temperror overload defer");
    CHECK(b.dns->asked() == 1);
    if (c.other_helo != nullptr) {
      const auto other = b.ask(c.other_helo, c.other_client);
      REQUIRE(b.dns->asked() == 2);
      b.finish(1, matching());
      CHECK(words(other) == "pass match tag");
    }
    b.finish(0, matching());
    CHECK(words(first) == "pass match tag");

    const auto again = b.ask(c.refused_helo, c.refused_client); // overload was not remembered
    REQUIRE(words(again) == "-");
    b.finish(b.dns->asked() - 1, matching());
    CHECK(words(again) == "pass match tag");
    CHECK(b.authenticator().lookups_in_flight() == 0);
  }
}

TEST_CASE("authenticator: a client that is not known by address is bounded by the other limits") {
  Bench b;
  b.use(limits_with(2, 1, 32));
  const auto first = b.ask("mta1.acme.example", "unknown");
  const auto second = b.ask("mta2.acme.example", "unknown");
  CHECK(b.dns->asked() == 2);
  const auto third = b.ask("mta3.acme.example", "unknown");
  CHECK(words(third) == "temperror overload defer");
  b.finish(0, absent());
  b.finish(1, absent());
  CHECK(words(first) == "none no-record defer");
  CHECK(words(second) == "none no-record defer");
}

TEST_CASE("authenticator: within one verdict a pass outweighs a name that was over the limit, nothing else does") {
  for (const bool passes : {true, false}) {
    CAPTURE(passes);
    Scene scene = two_partners();
    scene.templates = {"_a.{helo}", "_b.{helo}"};
    Bench b(scene);
    b.use(limits_with(512, 1, 32));
    const auto asked = b.ask();
    REQUIRE(b.dns->names() == std::vector<std::string>{"_a.mta1.acme.example"});
    b.finish(0, passes ? matching() : absent());
    CHECK(words(asked) == (passes ? "pass match tag" : "temperror overload defer"));
  }
}

TEST_CASE("authenticator: a lookup counts until it has left the resolver, not until it was answered") {
  Bench b;
  b.use(limits_with(1, 8, 32));
  const auto first = b.ask();
  b.dns->answer(0, failed(FailureKind::timeout)); // and goes on in the resolver
  b.turn();
  CHECK(words(first) == "temperror dns-timeout defer");
  CHECK(b.authenticator().lookups_in_flight() == 1);
  CHECK(words(b.ask("mta1.beta.example")) == "temperror overload defer");
  CHECK(b.dns->asked() == 1);

  b.dns->release(0);
  CHECK(b.authenticator().lookups_in_flight() == 0);
  const auto third = b.ask("mta1.beta.example");
  CHECK(b.dns->asked() == 2);
  b.finish(1, matching());
  CHECK(words(third) == "pass match tag");
}

TEST_CASE("authenticator: limits come back to zero per client and per entry, however often they were reached") {
  Bench b;
  b.use(limits_with(512, 1, 1));
  for (int round = 0; round < 50; ++round) {
    const std::string helo = "mta" + std::to_string(round) + ".acme.example";
    const auto asked = b.ask(helo.c_str());
    CHECK(words(b.ask(("x" + helo).c_str())) == "temperror overload defer");
    b.finish(b.dns->asked() - 1, matching());
    REQUIRE(words(asked) == "pass match tag");
  }
  CHECK(b.authenticator().lookups_in_flight() == 0);
}

TEST_CASE("authenticator: the bound on records is the configured one") {
  for (const std::size_t bound : {1U, 2U}) {
    CAPTURE(bound);
    Bench b;
    config::Limits limits;
    limits.records_per_name = bound;
    b.use(limits);
    const auto asked = b.ask();
    b.finish(0, secure({other_key(), right_key()}));
    CHECK(words(asked) == (bound == 1 ? "temperror overload defer" : "pass match tag"));
  }
}

TEST_CASE("authenticator: equal lookups in flight are one, for the limits as well") {
  // Forty deliveries of one partner's server at once, before its answer is in the cache.
  Bench b;
  b.use(limits_with(2, 2, 2));
  std::vector<std::shared_ptr<Asked>> asked;
  for (int i = 0; i < 40; ++i)
    asked.push_back(b.ask());
  for (std::size_t i = 0; i < b.dns->asked(); ++i)
    b.finish(i, matching());
  std::size_t passed = 0;
  for (const auto& a : asked)
    passed += words(a) == "pass match tag" ? 1U : 0U;
  CHECK(passed == asked.size());
  CHECK(b.authenticator().lookups_in_flight() == 0);
}

TEST_CASE("authenticator: a re-query that found no room was not made, so the next refusal still waits for one") {
  Bench b;
  b.use(limits_with(1, 8, 32));
  const auto primed = b.ask();
  b.finish(0, differing());
  REQUIRE(words(primed) == "fail mismatch reject");
  b.now += 1s;

  const auto busy = b.ask("mta1.beta.example", "192.0.2.2");
  REQUIRE(b.dns->asked() == 2);
  const auto crowded = b.ask(); // asked from a reserve, or doubt; but no refusal on the strength of the cache
  CHECK(words(crowded) != "fail mismatch reject");
  for (std::size_t i = 1; i < b.dns->asked(); ++i)
    b.finish(i, differing());
  const std::size_t so_far = b.dns->asked();

  b.now += 1s;
  const auto later = b.ask();
  if (so_far == 2) REQUIRE(b.dns->asked() == 3); // unless the reserve had it asked before
  if (so_far == 2) b.finish(2, matching());
  CHECK(words(later) == (so_far == 2 ? "pass match tag" : "fail mismatch reject"));
}
