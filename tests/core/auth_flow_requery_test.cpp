// When a cached answer counts, and when it has to be asked for again first.
#include "daemon/core/auth_flow.h"
#include "tests/core/acme_scene.h"
#include "tests/support/catch.h"

#include <string>
#include <utility>
#include <vector>

using namespace danegate::core;
using namespace danegate::test;

TEST_CASE("a cached answer that would lead to a refusal is asked for again before it counts") {
  struct Case {
    const char* label;
    AnswerPtr cached;
    AnswerPtr fresh;
    const char* expected;
  };

  const std::vector<Case> cases{
      {"a key rollover", differing(), matching(), "pass match tag"},
      {"a record published a minute ago", absent(), matching(), "pass match tag"},
      {"a zone signed a minute ago", insecure(), matching(), "pass match tag"},
      {"a record that could not be judged", not_usable(), matching(), "pass match tag"},
      {"still another key", differing(), differing(), "fail mismatch reject"},
      {"still nothing", absent(), absent(), "none no-record defer"},
      {"the record was removed", differing(), absent(), "none no-record defer"},
      {"no answer now: doubt", differing(), failed(FailureKind::timeout), "temperror dns-timeout defer"},
      {"bogus now: doubt", differing(), bogus(), "temperror bogus defer"},
      {"our own limit now: doubt", differing(), failed(FailureKind::overload), "temperror overload defer"},
      {"a web wildcard", secure({right_key()}, Wildcard::other), matching(), "pass match tag"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const Run r = run(acme_scene().flow(), {{helo_owner, {c.cached, true, c.fresh}}});
    CHECK(r.re_asked == std::vector<std::string>{helo_owner});
    CHECK(words(r.decision.outcome) == c.expected);
    REQUIRE(r.decision.names.size() == 1);
    CHECK(r.decision.names[0].requeried);
    CHECK_FALSE(r.decision.names[0].cached);
    CHECK(r.decision.lookups == 1);
  }
}

TEST_CASE("a pass that the rule refuses rests on no stale answer either") {
  Rule rule = acme_rule();
  rule.identities = {identities("mta1.acme.example")};
  rule.on_pass = Action::reject; // a name that is not wanted here
  const Run r = run(acme_scene(rule).flow(), {{helo_owner, {matching(), true, absent()}}});
  CHECK(r.re_asked.size() == 1);
  CHECK(words(r.decision.outcome) == "none no-record defer");
}

TEST_CASE("an identity that the rule does not want is asked for again as well") {
  Rule rule = acme_rule();
  rule.identities = {identities("mta2.acme.example")};
  const Run r = run(acme_scene(rule).flow(), {{helo_owner, {matching(), true, matching()}}});
  CHECK(r.re_asked.size() == 1);
  CHECK(words(r.decision.outcome) == "policy not-allowed reject");
}

TEST_CASE("a re-query that may not be made leaves the cached answer as it is") {
  for (const auto& [answer, expected] :
       {std::pair{differing(), "fail mismatch reject"}, std::pair{absent(), "none no-record defer"},
        std::pair{insecure(), "none insecure defer"}}) {
    CAPTURE(expected);
    const Run r = run(acme_scene().flow(), {{helo_owner, {answer, true, nullptr}}});
    CHECK(r.re_asked.size() == 1);
    CHECK(words(r.decision.outcome) == expected);
    CHECK(r.decision.names.at(0).cached);
    CHECK_FALSE(r.decision.names.at(0).requeried);
    CHECK(r.decision.lookups == 0);
    CHECK(r.decision.cached == 1);
  }
}

TEST_CASE("what is not asked for again") {
  SECTION("a cached answer that passes") {
    const Run r = run(acme_scene().flow(), {{helo_owner, {matching(), true}}});
    CHECK(r.re_asked.empty());
    CHECK(words(r.decision.outcome) == "pass match tag");
    CHECK(r.decision.names.at(0).cached);
    CHECK(r.decision.lookups == 0);
    CHECK(r.decision.cached == 1);
  }
  SECTION("an answer made for this verdict") {
    CHECK(run(acme_scene().flow(), {{helo_owner, {differing(), false}}}).re_asked.empty());
  }
  SECTION("a cached answer that leads to no refusal") {
    Rule rule = acme_rule();
    rule.on_fail = Action::tag;
    rule.on_unpublished = Action::tag;
    for (const AnswerPtr& answer : {differing(), not_usable(), absent(), insecure()}) {
      CAPTURE(state_of(*answer));
      const Run r = run(acme_scene(rule).flow(), {{helo_owner, {answer, true}}});
      CHECK(r.re_asked.empty());
      CHECK(r.decision.outcome.action == Action::tag);
    }
  }
  SECTION("a failure that is remembered") {
    for (const AnswerPtr& answer : {bogus(), failed(FailureKind::timeout), failed(FailureKind::server_failure)}) {
      const Run r = run(acme_scene().flow(), {{helo_owner, {answer, true, matching()}}});
      CHECK(r.re_asked.empty());
      CHECK(r.decision.outcome.result() == Result::temperror);
    }
  }
  SECTION("a failure beside a pass") {
    Scene scene = acme_scene();
    scene.templates = {"_smtp-client.{helo}", "_relay.{helo}"};
    const Run r =
        run(scene.flow(), {{helo_owner, {differing(), true}}, {"_relay.mta1.acme.example", {matching(), true}}});
    CHECK(r.re_asked.empty());
    CHECK(words(r.decision.outcome) == "pass match tag");
  }
  SECTION("anything where no rule holds and the default lets pass") {
    Scene scene;
    scene.lookup_domains = {"acme.example"};
    CHECK(run(scene.flow(), {{helo_owner, {differing(), true}}}).re_asked.empty());
  }
}

TEST_CASE("a refusing default is a refusal like any other") {
  Scene scene;
  scene.lookup_domains = {"acme.example"};
  scene.default_action = Action::reject;
  const Run r = run(scene.flow(), {{helo_owner, {differing(), true, differing()}}});
  CHECK(r.re_asked.size() == 1);
}

TEST_CASE("hold and defer are refusals like any other") {
  for (const Action action : {Action::hold, Action::defer, Action::reject}) {
    Rule rule = acme_rule();
    rule.on_fail = action;
    const Run r = run(acme_scene(rule).flow(), {{helo_owner, {differing(), true, matching()}}});
    CHECK(r.re_asked.size() == 1);
    CHECK(words(r.decision.outcome) == "pass match tag");
  }
}

TEST_CASE("of several names only the cached ones are asked for again, once") {
  Scene scene = acme_scene();
  scene.templates = {"_a.{helo}", "_b.{helo}", "_c.{helo}"};
  const Run r = run(scene.flow(), {{"_a.mta1.acme.example", {differing(), true, differing()}},
                                   {"_b.mta1.acme.example", {differing(), false}},
                                   {"_c.mta1.acme.example", {absent(), true, matching()}}});
  CHECK(r.re_asked == std::vector<std::string>{"_a.mta1.acme.example", "_c.mta1.acme.example"});
  CHECK(words(r.decision.outcome) == "pass match tag");
  CHECK(r.decision.outcome.name == std::optional<std::size_t>{2});
  CHECK(r.decision.names[0].requeried);
  CHECK_FALSE(r.decision.names[1].requeried);
}
