// One verdict step by step: what is asked, and what each answer means.
#include "daemon/core/auth_flow.h"
#include "tests/core/acme_scene.h"
#include "tests/support/catch.h"

#include <memory>
#include <string>
#include <vector>

using namespace danegate::core;
using namespace danegate::test;

TEST_CASE("a listed name is asked for once, and its answer decides") {
  const Scene scene = acme_scene();
  AuthFlow flow = scene.flow();
  CHECK_FALSE(flow.done());
  const std::vector<Need> needs = flow.take_needs();
  REQUIRE(needs.size() == 1);
  CHECK(needs[0].name->text() == helo_owner);
  CHECK_FALSE(needs[0].fresh);
  CHECK(flow.take_needs().empty());
  CHECK_FALSE(flow.done());
  flow.answer(needs[0].id, secure({other_key(), right_key()}), false);
  REQUIRE(flow.done());
  CHECK(flow.take_needs().empty());

  const Decision d = flow.take();
  CHECK(words(d.outcome) == "pass match tag");
  REQUIRE(d.outcome.rule != nullptr);
  CHECK(d.outcome.rule->name == "acme");
  CHECK(d.outcome.mode == Mode::enforce);
  REQUIRE(d.service != nullptr);
  CHECK(d.service->name == "smtp");
  CHECK(d.lookups == 1);
  CHECK(d.cached == 0);
  CHECK(d.monitored.empty());
  REQUIRE(d.names.size() == 1);
  CHECK(d.names[0].from == "_smtp-client.{helo}");
  CHECK(d.names[0].listed);
  CHECK_FALSE(d.names[0].duplicate);
  CHECK_FALSE(d.names[0].cached);
  CHECK_FALSE(d.names[0].requeried);
  REQUIRE(d.names[0].match.has_value());
  CHECK(d.names[0].match->matched == std::optional<std::size_t>{1});
  CHECK(d.outcome.record == std::optional<std::size_t>{1});
  CHECK(d.name_of(d.outcome) == &d.names[0]);
  CHECK(authenticated_identity(d, d.outcome) == "mta1.acme.example");
}

TEST_CASE("what costs no lookup") {
  struct Case {
    const char* label;
    void (*change)(Scene&);
    const char* expected;
  };

  const std::vector<Case> cases{
      {"no TLS", [](Scene& s) { s.evidence = {}; }, "none no-tls reject"},
      {"no certificate", [](Scene& s) { s.evidence.certificate_digest.reset(), s.evidence.key_digest.reset(); },
       "none no-certificate reject"},
      {"weak digest",
       [](Scene& s) {
         s.evidence.certificate_digest = digest(vectors::cert_md5);
         s.evidence.key_digest = digest(vectors::key_md5);
       },
       "permerror weak-digest defer"},
      {"known constant", [](Scene& s) { s.evidence.certificate_digest = digest(vectors::exim_sha256); },
       "permerror bad-evidence defer"},
      {"unreadable", [](Scene& s) { s.evidence.defect = "ccert_fingerprint"; }, "permerror bad-evidence defer"},
      {"the mail server is silent",
       [](Scene& s) {
         s.evidence.certificate_digest.reset();
         s.evidence.key_digest.reset();
         s.evidence.complete = false;
       },
       "permerror no-evidence defer"},
      {"outside the list", [](Scene& s) { s.claims.helo = "mta1.gamma.example"; }, "none not-listed reject"},
      {"no usable claim", [](Scene& s) { s.claims.helo = "[192.0.2.1]"; }, "none no-name reject"},
      {"no claim", [](Scene& s) { s.claims.helo.clear(); }, "none no-name reject"},
      {"no templates", [](Scene& s) { s.templates.clear(); }, "none no-name reject"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    Scene scene = acme_scene();
    c.change(scene);
    AuthFlow flow = scene.flow();
    REQUIRE(flow.done());
    CHECK(flow.take_needs().empty());
    const Decision d = flow.take();
    CHECK(words(d.outcome) == c.expected);
    CHECK(d.lookups == 0);
    CHECK(d.cached == 0);
    CHECK(authenticated_identity(d, d.outcome).empty());
  }
}

TEST_CASE("only the listed names are asked for, all of them at once, each owner once") {
  Scene scene = acme_scene();
  scene.templates = {"_smtp-client.{helo}", "_smtp-client.{subject}", "_smtp-client.{client}", "_relay.{helo}",
                     "_smtp-client.{sender.domain}"};
  scene.claims.helo = "mta1.acme.example";
  scene.claims.subject = "MTA1.acme.example.";       // the same owner as {helo}'s
  scene.claims.client = "mta1.gamma.example";        // not listed
  scene.claims.sender = address("ceo@acme.example"); // the partner's domain itself
  const Run r = run(scene.flow(), {{helo_owner, {absent()}},
                                   {"_relay.mta1.acme.example", {matching()}},
                                   {"_smtp-client.acme.example", {absent()}}});
  CHECK(r.asked == std::vector<std::string>{helo_owner, "_relay.mta1.acme.example", "_smtp-client.acme.example"});
  CHECK(words(r.decision.outcome) == "pass match tag");
  REQUIRE(r.decision.names.size() == 5);
  CHECK_FALSE(r.decision.names[0].duplicate);
  CHECK(r.decision.names[1].duplicate);
  CHECK_FALSE(r.decision.names[2].listed);
  CHECK(r.decision.names[3].listed);
  CHECK(r.decision.outcome.name == std::optional<std::size_t>{3});
  CHECK(r.decision.names[2].answer == nullptr);
}

TEST_CASE("a name that a template cannot make says why") {
  Scene scene = acme_scene();
  scene.templates = {"_smtp-client.{client}", "_smtp-client.{helo}"};
  scene.claims.client = "unknown";
  const Run r = run(scene.flow(), {{helo_owner, {matching()}}});
  REQUIRE(r.decision.names.size() == 2);
  CHECK_FALSE(r.decision.names[0].name.has_value());
  CHECK_FALSE(r.decision.names[0].no_name.empty());
  REQUIRE(r.decision.names[1].name.has_value());
  CHECK(r.decision.names[1].name->owner.text() == helo_owner);
}

TEST_CASE("each answer alone, under the defaults of a rule") {
  struct Case {
    const char* label;
    AnswerPtr answer;
    const char* expected;
  };

  std::vector<TlsaRecord> many(65, other_key());
  many.back() = right_key();
  std::vector<TlsaRecord> just_enough(64, other_key());
  just_enough.back() = right_key();
  const std::vector<Case> cases{
      {"match", matching(), "pass match tag"},
      {"mismatch", differing(), "fail mismatch reject"},
      {"unusable", not_usable(), "fail unusable reject"},
      {"records that cannot be read", answer_of(Secure{{}, 2, Wildcard::none}), "fail unusable reject"},
      {"absent", absent(), "none no-record defer"},
      {"insecure", insecure(), "none insecure defer"},
      {"bogus", bogus(), "temperror bogus defer"},
      {"timeout", failed(FailureKind::timeout), "temperror dns-timeout defer"},
      {"server failure", failed(FailureKind::server_failure), "temperror dns-failure defer"},
      {"overload", failed(FailureKind::overload), "temperror overload defer"},
      {"as many records as are allowed", secure(just_enough), "pass match tag"},
      {"one more, though it matches", secure(many), "temperror overload defer"},
      {"wildcard below an underscore", secure({right_key()}, Wildcard::below_underscore), "pass match tag"},
      {"web wildcard", secure({right_key()}, Wildcard::other), "fail unusable reject"},
      {"web wildcard, another key", secure({other_key()}, Wildcard::other), "fail unusable reject"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const Run r = run(acme_scene().flow(), {{helo_owner, {c.answer}}});
    CHECK(words(r.decision.outcome) == c.expected);
    CHECK(r.re_asked.empty());
    CHECK(r.decision.lookups == 1);
    if (r.decision.outcome.reason == Reason::unusable) CHECK_FALSE(r.decision.outcome.detail.empty());
    if (r.decision.outcome.result() != Result::pass)
      CHECK(authenticated_identity(r.decision, r.decision.outcome).empty());
  }
}

TEST_CASE("the bound on records is the configured one") {
  Scene scene = acme_scene();
  scene.limits.records_per_name = 2;
  CHECK(words(run(scene.flow(), {{helo_owner, {secure({right_key(), other_key()})}}}).decision.outcome) ==
        "pass match tag");
  CHECK(words(run(scene.flow(), {{helo_owner, {secure({right_key(), other_key(), other_key()})}}}).decision.outcome) ==
        "temperror overload defer");
}

TEST_CASE("limits are counted by the entry that admitted the name") {
  Rule beta = acme_rule();
  beta.name = "beta";
  beta.senders = {senders("beta.example")};
  Scene scene = acme_scene();
  scene.rules.push_back(beta);
  scene.templates = {"_a.{helo}", "_b.{helo}", "_a.{client}"};
  scene.claims.client = "mta1.beta.example";
  AuthFlow flow = scene.flow();
  const auto needs = flow.take_needs();
  REQUIRE(needs.size() == 3);
  CHECK(needs[0].entry == needs[1].entry);
  CHECK(needs[0].entry != needs[2].entry);
  CHECK(needs[0].id != needs[1].id);
}
