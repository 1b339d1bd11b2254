// A verdict with a roster: claimed names without DNS, clients known by their key alone, and doubt.
#include "tests/core/acme_scene.h"
#include "tests/core/fake_roster.h"
#include "tests/support/catch.h"

using namespace danegate::core;
using namespace danegate::test;

namespace {

/// The rule names mta1 and mta2 in full, and one host that no roster test holds.
Scene scene_naming(std::vector<std::string> patterns = {"mta1.acme.example", "mta2.acme.example"}) {
  Rule rule;
  rule.name = "acme";
  for (const auto& p : patterns)
    rule.identities.push_back(identities(p));
  return acme_scene(std::move(rule));
}

constexpr const char* owner1 = "_smtp-client.mta1.acme.example";
constexpr const char* owner2 = "_smtp-client.mta2.acme.example";

AuthFlow flow_with(const Scene& scene, const FakeRoster& roster) {
  auto set = scene.rule_set();
  Question question{&set->services().front(), scene.evidence, scene.claims, scene.envelope};
  return {std::move(set), std::move(question), real_ports(), scene.limits, &roster};
}

/// Without one DNS answer.
Decision judged(const Scene& scene, const FakeRoster& roster) {
  auto flow = flow_with(scene, roster);
  REQUIRE(flow.done());
  return flow.take();
}

std::string identity_of(const Decision& decision) {
  return authenticated_identity(decision, decision.outcome);
}

Scene garbage(Scene scene) {
  scene.claims.helo = "garbage";
  return scene;
}

} // namespace

TEST_CASE("flow: a claimed name that the roster holds costs no lookup") {
  FakeRoster roster;
  roster.hold(owner1, "mta1.acme.example", matching());
  const auto decision = judged(scene_naming(), roster);
  CHECK(words(decision.outcome) == "pass match tag");
  CHECK(identity_of(decision) == "mta1.acme.example");
  CHECK(decision.lookups == 0);
  CHECK(decision.cached == 1);
  CHECK_FALSE(decision.names.at(0).roster);
}

TEST_CASE("flow: a mismatch against the roster is asked for again before it counts") {
  FakeRoster roster;
  roster.hold(owner1, "mta1.acme.example", differing());
  auto flow = flow_with(scene_naming(), roster);
  REQUIRE_FALSE(flow.done());
  const auto needs = flow.take_needs();
  REQUIRE(needs.size() == 1);
  CHECK(needs[0].fresh);
  SECTION("the key has rolled") {
    flow.answer(needs[0].id, matching(), false);
    CHECK(words(flow.take().outcome) == "pass match tag");
  }
  SECTION("it has not") {
    flow.answer(needs[0].id, differing(), false);
    CHECK(words(flow.take().outcome) == "fail mismatch reject");
  }
  SECTION("DNS cannot tell") {
    flow.answer(needs[0].id, failed(FailureKind::timeout), false);
    CHECK(words(flow.take().outcome) == "temperror dns-timeout defer");
  }
}

TEST_CASE("flow: a client with no claim is known by its key") {
  FakeRoster roster;
  roster.hold(owner1, "mta1.acme.example", differing());
  roster.hold(owner2, "mta2.acme.example", matching());
  const auto decision = judged(garbage(scene_naming()), roster);
  CHECK(words(decision.outcome) == "pass match tag");
  CHECK(identity_of(decision) == "mta2.acme.example");
  CHECK(decision.name_of(decision.outcome)->roster);
  CHECK_FALSE(decision.outcome.several);
}

TEST_CASE("flow: who has another key is nobody") {
  FakeRoster roster;
  roster.hold(owner1, "mta1.acme.example", differing());
  roster.hold(owner2, "mta2.acme.example", absent());
  CHECK(words(judged(garbage(scene_naming()), roster).outcome) == "none no-name reject");
}

TEST_CASE("flow: a hit counts only for whom the deciding rule names in full") {
  FakeRoster roster;
  roster.hold(owner1, "mta1.acme.example", matching());
  for (const auto& patterns :
       {std::vector<std::string>{"mta3.acme.example"}, {"*.acme.example"}, {"{sender.domain}"}}) {
    INFO(patterns[0]);
    const auto decision = judged(garbage(scene_naming(patterns)), roster);
    CHECK(words(decision.outcome) == "none no-name reject");
  }
  auto anybody = acme_scene();
  CHECK(words(judged(garbage(anybody), roster).outcome) == "none no-name reject");
  anybody.rules.clear(); // the service's default
  CHECK(words(judged(garbage(anybody), roster).outcome) == "none no-name tag");
}

TEST_CASE("flow: a hit counts only under a name that this service makes") {
  FakeRoster roster;
  roster.hold("_submission-client.mta1.acme.example", "mta1.acme.example", matching());
  CHECK(words(judged(garbage(scene_naming()), roster).outcome) == "none no-name reject");
}

TEST_CASE("flow: several fit: the claimed one is named, else none") {
  FakeRoster roster;
  roster.hold(owner1, "mta1.acme.example", matching());
  roster.hold(owner2, "mta2.acme.example", matching());
  auto scene = scene_naming();
  scene.claims.helo = "mta2.acme.example";
  CHECK(identity_of(judged(scene, roster)) == "mta2.acme.example");

  const auto decision = judged(garbage(scene_naming()), roster);
  CHECK(words(decision.outcome) == "pass match tag");
  CHECK(decision.outcome.several);
  CHECK(identity_of(decision).empty());
  CHECK(decision.outcome.detail == "known by its key as each of mta1.acme.example mta2.acme.example");

  // The rule has the say in who fits.
  const auto one = judged(garbage(scene_naming({"mta1.acme.example"})), roster);
  CHECK(identity_of(one) == "mta1.acme.example");
}

TEST_CASE("flow: while somebody whom the rule names is not known, no hit is doubt") {
  FakeRoster roster;
  roster.hold(owner1, "mta1.acme.example", differing());
  for (const auto reason : {Reason::dns_timeout, Reason::dns_failure}) {
    roster.doubts["acme"] = {3, reason};
    const auto decision = judged(garbage(scene_naming()), roster);
    CHECK(decision.outcome.reason == reason);
    CHECK(decision.outcome.action == Action::defer);
    CHECK(decision.outcome.detail.ends_with(": 3"));
    CHECK(identity_of(decision).empty());
  }
  roster.held.clear();
  roster.hold(owner1, "mta1.acme.example", matching());
  CHECK(words(judged(garbage(scene_naming()), roster).outcome) == "pass match tag"); // a hit is a hit
  auto plain = garbage(scene_naming());
  plain.evidence = Evidence{};
  CHECK(words(judged(plain, roster).outcome) == "none no-tls reject"); // nothing to be known by
  auto bare = garbage(scene_naming());
  bare.evidence.certificate_digest.reset();
  bare.evidence.key_digest.reset();
  CHECK(words(judged(bare, roster).outcome) == "none no-certificate reject");
}

TEST_CASE("flow: doubt comes before a mismatch of the claimed name, as the order of results has it") {
  FakeRoster roster;
  roster.doubts["acme"] = {1, Reason::dns_failure};
  auto flow = flow_with(scene_naming(), roster);
  const auto needs = flow.take_needs();
  REQUIRE(needs.size() == 1); // unresolved: it is looked up as any other name
  SECTION("mismatch") {
    flow.answer(needs[0].id, differing(), false);
    CHECK(words(flow.take().outcome) == "temperror dns-failure defer");
  }
  SECTION("bogus stands before it") {
    flow.answer(needs[0].id, bogus(), false);
    CHECK(words(flow.take().outcome) == "temperror bogus defer");
  }
  SECTION("match") {
    flow.answer(needs[0].id, matching(), false);
    CHECK(words(flow.take().outcome) == "pass match tag");
  }
}

TEST_CASE("flow: more sharers of a key than are looked at are doubt, for rules that name somebody") {
  FakeRoster roster;
  roster.crowded = true;
  roster.hold(owner1, "mta1.acme.example", matching());
  CHECK(words(judged(garbage(scene_naming({"mta9.acme.example"})), roster).outcome) == "temperror overload defer");
  CHECK(words(judged(garbage(acme_scene()), roster).outcome) == "none no-name reject");
}

TEST_CASE("flow: a key whose name was not known when it was looked for is doubt, whatever the clock says by then") {
  FakeRoster roster;
  roster.lapsed = {{dns_name(owner1), identity("mta1.acme.example")}};
  const auto decision = judged(garbage(scene_naming()), roster);
  CHECK(words(decision.outcome) == "temperror dns-failure defer");
  CHECK(decision.outcome.detail.ends_with(": 1"));
  CHECK(words(judged(garbage(scene_naming({"mta2.acme.example"})), roster).outcome) == "none no-name reject");
  roster.lapsed = {{dns_name("_other-service.mta1.acme.example"), identity("mta1.acme.example")}};
  CHECK(words(judged(garbage(scene_naming()), roster).outcome) == "none no-name reject");
}

TEST_CASE("flow: grace in the roster lets its key pass, says so, and refuses nobody") {
  FakeRoster roster;
  roster.hold(owner1, "mta1.acme.example", matching(), true);
  const auto claimed = judged(scene_naming(), roster);
  CHECK(words(claimed.outcome) == "pass match tag");
  CHECK(served_by_grace(claimed, claimed.outcome));
  const auto by_key = judged(garbage(scene_naming()), roster);
  CHECK(words(by_key.outcome) == "pass match tag");
  CHECK(served_by_grace(by_key, by_key.outcome));

  FakeRoster rolled;
  rolled.hold(owner1, "mta1.acme.example", differing(), true);
  auto flow = flow_with(scene_naming(), rolled);
  const auto needs = flow.take_needs();
  REQUIRE(needs.size() == 1);
  CHECK_FALSE(needs[0].fresh);
  flow.answer(needs[0].id, failed(FailureKind::timeout), false);
  CHECK(words(flow.take().outcome) == "temperror dns-timeout defer");
}

TEST_CASE("flow: a web-style wildcard counts for whom the rule names in full") {
  FakeRoster roster;
  roster.hold(owner1, "mta1.acme.example", secure({right_key()}, Wildcard::other));
  CHECK(words(judged(garbage(scene_naming()), roster).outcome) == "pass match tag");
}

TEST_CASE("flow: monitored rules see the roster, too, each its own identities") {
  FakeRoster roster;
  roster.hold(owner1, "mta1.acme.example", matching());
  auto scene = scene_naming({"mta9.acme.example"});
  scene.rules[0].mode = Mode::monitor;
  auto second = scene_naming().rules[0];
  second.name = "second";
  scene.rules.push_back(second);
  const auto decision = judged(garbage(scene), roster);
  CHECK(words(decision.outcome) == "pass match tag");
  REQUIRE(decision.monitored.size() == 1);
  CHECK(words(decision.monitored[0]) == "none no-name reject");
}
