// What follows from an answer under one rule or another: wildcards, identities, grants, defaults, monitor mode.
#include "daemon/core/auth_flow.h"
#include "tests/core/acme_scene.h"
#include "tests/support/catch.h"

#include <memory>
#include <string>
#include <vector>

using namespace danegate::core;
using namespace danegate::test;

TEST_CASE("a web wildcard counts only where the deciding rule names the identity in full") {
  auto in_files = std::make_shared<IdentitySet>();
  in_files->add(identity("mta1.acme.example"));

  struct Case {
    const char* label;
    const char* pattern; ///< null: no identities
    std::shared_ptr<const IdentitySet> files;
    const char* right_key;
    const char* other_key;
  };

  const std::vector<Case> cases{
      {"in full", "mta1.acme.example", nullptr, "pass match tag", "fail mismatch reject"},
      {"in a file", nullptr, in_files, "pass match tag", "fail mismatch reject"},
      {"in a file, beside patterns", "*.beta.example", in_files, "pass match tag", "fail mismatch reject"},
      {"by a pattern", "*.acme.example", nullptr, "fail unusable reject", "fail unusable reject"},
      {"by a field", "*.{sender.domain}", nullptr, "fail unusable reject", "fail unusable reject"},
      {"another in full", "mta2.acme.example", nullptr, "fail unusable reject", "fail unusable reject"},
      {"nobody", nullptr, nullptr, "fail unusable reject", "fail unusable reject"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    Rule rule = acme_rule();
    if (c.pattern != nullptr) rule.identities = {identities(c.pattern)};
    rule.identity_files = c.files;
    const Scene scene = acme_scene(rule);
    const auto with = [&scene](const TlsaRecord& r) {
      return words(run(scene.flow(), {{helo_owner, {secure({r}, Wildcard::other)}}}).decision.outcome);
    };
    CHECK(with(right_key()) == c.right_key);
    CHECK(with(other_key()) == c.other_key);
  }
}

TEST_CASE("a web wildcard: an address that a field names is not named in full either") {
  Rule rule = acme_rule();
  rule.identities = {identities("{sender}")};
  Scene scene = acme_scene(rule);
  scene.templates = {"{sender.local}._submission-client.{sender.domain}"};
  const std::string owner = "ceo._submission-client.acme.example";
  CHECK(words(run(scene.flow(), {{owner, {matching()}}}).decision.outcome) == "pass match tag");
  CHECK(words(run(scene.flow(), {{owner, {secure({right_key()}, Wildcard::other)}}}).decision.outcome) ==
        "fail unusable reject");
}

TEST_CASE("a web wildcard: without a rule nobody is named") {
  Scene scene;
  scene.lookup_domains = {"acme.example"};
  CHECK(words(run(scene.flow(), {{helo_owner, {secure({right_key()}, Wildcard::other)}}}).decision.outcome) ==
        "fail unusable tag");
}

TEST_CASE("a web wildcard: each rule judges for itself") {
  Rule watched = acme_rule();
  watched.mode = Mode::monitor;
  watched.identities = {identities("mta1.acme.example")};
  Scene scene = acme_scene();
  scene.rules = {watched, acme_rule()};
  const Run r = run(scene.flow(), {{helo_owner, {secure({right_key()}, Wildcard::other)}}});
  CHECK(words(r.decision.outcome) == "fail unusable reject");
  REQUIRE(r.decision.monitored.size() == 1);
  CHECK(words(r.decision.monitored[0]) == "pass match tag");
  CHECK(r.decision.monitored[0].mode == Mode::monitor);
}

TEST_CASE("authenticated, but the rule wants another identity") {
  Rule rule = acme_rule();
  rule.identities = {identities("mta2.acme.example")};
  rule.on_fail = Action::hold;
  const Run r = run(acme_scene(rule).flow(), {{helo_owner, {matching()}}});
  CHECK(words(r.decision.outcome) == "policy not-allowed hold");
  CHECK(authenticated_identity(r.decision, r.decision.outcome) == "mta1.acme.example");
}

TEST_CASE("grants say as whom an authenticated client may send") {
  Rule rule = acme_rule();
  rule.senders = {senders("acme.example"), senders("beta.example")};
  rule.identities = {identities("mta1.acme.example")};
  auto grants = std::make_shared<Grants>();
  grants->add(identity("mta1.acme.example"), senders("acme.example"));
  rule.grants = grants;
  Scene scene = acme_scene(rule);
  const auto from = [&scene](const char* sender) {
    scene.set_sender(sender);
    const Run r = run(scene.flow(), {{helo_owner, {matching()}}});
    CHECK(authenticated_identity(r.decision, r.decision.outcome) == "mta1.acme.example");
    return words(r.decision.outcome);
  };
  CHECK(from("ceo@acme.example") == "pass match tag");
  CHECK(from("acme.example!ceo") == "pass match tag");
  CHECK(from("ceo@beta.example") == "policy sender-not-allowed reject");
  // What was not authenticated is not asked as whom it sends.
  scene.set_sender("ceo@beta.example");
  CHECK(words(run(scene.flow(), {{helo_owner, {differing()}}}).decision.outcome) == "fail mismatch reject");
}

TEST_CASE("no rule holds: the service's default, whatever came out") {
  for (const Action action : {Action::tag, Action::reject, Action::defer, Action::hold}) {
    Scene scene;
    scene.lookup_domains = {"acme.example"};
    scene.default_action = action;
    const Run pass = run(scene.flow(), {{helo_owner, {matching()}}});
    CHECK(words(pass.decision.outcome) == "pass match " + std::string(token(action)));
    CHECK(pass.decision.outcome.rule == nullptr);
    const Run fail = run(scene.flow(), {{helo_owner, {differing()}}});
    CHECK(words(fail.decision.outcome) == "fail mismatch " + std::string(token(action)));
  }
}

TEST_CASE("a rule in monitor mode says what it would have done, and the next rule decides") {
  Rule watched = acme_rule();
  watched.name = "watched";
  watched.mode = Mode::monitor;
  watched.identities = {identities("mta1.acme.example")};
  watched.on_pass = Action::permit;
  watched.on_fail = Action::reject;
  Rule lenient = acme_rule();
  lenient.name = "lenient";
  lenient.on_fail = Action::hold;

  Scene scene;
  scene.rules = {watched, lenient, watched};
  const Run pass = run(scene.flow(), {{helo_owner, {matching()}}});
  REQUIRE(pass.decision.monitored.size() == 1);
  CHECK(words(pass.decision.monitored[0]) == "pass match permit");
  CHECK(pass.decision.monitored[0].rule->name == "watched");
  CHECK(words(pass.decision.outcome) == "pass match tag");
  CHECK(pass.decision.outcome.rule->name == "lenient");
  CHECK(pass.decision.outcome.mode == Mode::enforce);

  const Run fail = run(scene.flow(), {{helo_owner, {differing()}}});
  CHECK(words(fail.decision.monitored.at(0)) == "fail mismatch reject");
  CHECK(words(fail.decision.outcome) == "fail mismatch hold");

  scene.rules = {watched};
  const Run alone = run(scene.flow(), {{helo_owner, {matching()}}});
  CHECK(words(alone.decision.outcome) == "pass match tag"); // the default: a monitored permit permits nothing
  CHECK(alone.decision.outcome.rule == nullptr);
  CHECK(alone.decision.monitored.size() == 1);
}

TEST_CASE("a service in monitor mode monitors all of its rules") {
  Rule permitting = acme_rule();
  permitting.identities = {identities("mta1.acme.example")};
  permitting.on_pass = Action::permit;
  Rule second = acme_rule();
  second.name = "second";
  Scene scene;
  scene.rules = {permitting, second};
  scene.service_mode = Mode::monitor;
  for (const AnswerPtr& answer : {matching(), differing(), absent(), bogus()}) {
    CAPTURE(state_of(*answer));
    const Run r = run(scene.flow(), {{helo_owner, {answer}}});
    CHECK(r.decision.outcome.rule == nullptr);
    CHECK(r.decision.outcome.mode == Mode::monitor);
    CHECK(r.decision.outcome.action != Action::permit);
    REQUIRE(r.decision.monitored.size() == 2);
    for (const Outcome& o : r.decision.monitored)
      CHECK(o.mode == Mode::monitor);
  }
}

TEST_CASE("a service in monitor mode refuses nothing, not even by its default") {
  for (const Action action : {Action::reject, Action::defer, Action::hold}) {
    Scene scene = acme_scene();
    scene.service_mode = Mode::monitor;
    scene.default_action = action;
    const Run r = run(scene.flow(), {{helo_owner, {differing()}}});
    CHECK(words(r.decision.outcome) == "fail mismatch tag");
    CHECK(words(r.decision.monitored.at(0)) == "fail mismatch reject");
  }
}

TEST_CASE("what satisfies a rule in monitor mode does not end the wait for the rule that decides") {
  Rule watched = acme_rule();
  watched.mode = Mode::monitor;
  Rule strict = acme_rule();
  strict.identities = {identities("mta2.acme.example")};
  Scene scene = acme_scene();
  scene.rules = {watched, strict};
  scene.templates = {"_smtp-client.{helo}", "_smtp-client.{subject}"};
  scene.claims.subject = "mta2.acme.example";
  for (const std::vector<std::size_t>& order : {std::vector<std::size_t>{0, 1}, std::vector<std::size_t>{1, 0}}) {
    const Run r =
        run(scene.flow(), {{helo_owner, {matching()}}, {"_smtp-client.mta2.acme.example", {matching()}}}, order);
    CHECK(words(r.decision.outcome) == "pass match tag");
    CHECK(authenticated_identity(r.decision, r.decision.outcome) == "mta2.acme.example");
    CHECK(words(r.decision.monitored.at(0)) == "pass match tag");
  }
}
