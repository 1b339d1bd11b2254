// Who enforces what, and what becomes of a message in a milter session.
#include "milter/session.h"
#include "tests/milter/sessions.h"
#include "tests/support/catch.h"

using namespace danegate;
using namespace danegate::test;
using milter::Session;

TEST_CASE("session: what the policy service judges is not refused again, everything else is") {
  Desk desk;
  for (const bool joined : {true, false}) {
    CAPTURE(joined);
    Session s = desk.session();
    desk.greet(s);
    desk.mail(s);
    if (joined) desk.policy_asked();
    REQUIRE(s.rcpt("<b@example.net>", macros({})));
    const auto refusal = s.rcpt_judged(decided(desk.config, Reason::mismatch, Action::reject), "7K3QZ9AB");
    REQUIRE(refusal.has_value() == !joined);
    if (refusal) CHECK(refusal->text().ends_with("[ref 7K3QZ9AB]"));
    CHECK(s.end(macros({})).empty());
    const auto ending = s.finish();
    CHECK_FALSE(ending.refusal);
    CHECK(ending.field.contains("x-dane-client=fail") == joined); // a refused recipient leaves no trace
  }
}

TEST_CASE("session: a milter permits nothing, monitors what is monitored, and holds what is held") {
  Desk desk;
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s);
  s.rcpt("<b@example.net>", macros({}));
  CHECK_FALSE(s.rcpt_judged(decided(desk.config, Reason::match, Action::permit), "R1"));
  Decision watched = decided(desk.config, Reason::mismatch, Action::reject);
  watched.outcome.mode = Mode::monitor;
  s.rcpt("<c@example.net>", macros({}));
  CHECK_FALSE(s.rcpt_judged(watched, "R2"));
  s.rcpt("<d@example.net>", macros({}));
  CHECK_FALSE(s.rcpt_judged(decided(desk.config, Reason::no_tls, Action::hold), "R3"));
  const auto ending = s.finish();
  REQUIRE(ending.quarantine);
  CHECK(*ending.quarantine == "held by danegate [ref R3]");
}

TEST_CASE("session: the field is that of the worst verdict, of two alike that of a rule") {
  Desk desk;
  Rule rule;
  rule.name = "acme";

  struct Row {
    const char* label;
    std::vector<Decision> verdicts;
    const char* field;
  };

  const auto by = [&](Reason reason, const Rule* r = nullptr) { return decided(desk.config, reason, Action::tag, r); };
  const Row rows[]{
      {"none", {}, ""},
      {"pass and fail", {by(Reason::match), by(Reason::mismatch)}, "x-dane-client=fail"},
      {"fail and pass", {by(Reason::mismatch), by(Reason::match)}, "x-dane-client=fail"},
      {"doubt before all", {by(Reason::no_tls), by(Reason::bogus), by(Reason::mismatch)}, "x-dane-client=temperror"},
      {"two passes, one by a rule", {by(Reason::match), by(Reason::match, &rule)}, "policy.dane-rule=acme"},
      {"two passes, the other way round", {by(Reason::match, &rule), by(Reason::match)}, "policy.dane-rule=acme"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    Session s = desk.session();
    desk.greet(s);
    desk.mail(s);
    desk.policy_asked();
    for (const Decision& verdict : row.verdicts) {
      s.rcpt("<b@example.net>", macros({}));
      s.rcpt_judged(verdict, "R");
    }
    const auto field = s.finish().field;
    CHECK(field.contains(row.field));
    CHECK(field.empty() == row.verdicts.empty());
  }
}

TEST_CASE("session: evidence that turns out to be another message's is taken back at the end") {
  Desk desk;
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s);
  desk.policy_asked("4Q1");
  REQUIRE(s.rcpt("<b@example.net>", macros({}))); // no queue id yet
  REQUIRE(s.left_to_policy());
  s.rcpt_judged(decided(desk.config, Reason::match, Action::tag), "R1");
  const auto questions = s.end(macros({{"i", "4Q2"}}));
  REQUIRE(questions.size() == 1);
  REQUIRE(questions[0].problem);
  CHECK(questions[0].problem->reason == Reason::no_evidence);
  CHECK(questions[0].envelope.recipient->text() == "b@example.net");
  s.end_judged(decided(desk.config, Reason::no_evidence, Action::defer), "R2");
  const auto ending = s.finish();
  REQUIRE(ending.refusal);
  CHECK(ending.refusal->text().starts_with("451 4.3.5 "));
  CHECK_FALSE(ending.field.contains("pass"));
}

TEST_CASE("session: Postfix asks nobody about a bare postmaster, so it is judged at the end") {
  Desk desk;
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s);
  CHECK_FALSE(s.rcpt("<postmaster>", macros({})));
  CHECK_FALSE(s.take_no_service());
  desk.policy_asked("4Q1"); // at DATA
  auto questions = s.end(macros({{"i", "4Q1"}}));
  REQUIRE(questions.size() == 1);
  CHECK(questions[0].evidence.has_credential());
  CHECK(questions[0].envelope.recipient->text() == "postmaster@example.net");
  s.end_judged(decided(desk.config, Reason::mismatch, Action::reject), "R1");
  CHECK(s.finish().refusal); // nobody else has refused it

  desk.mail(s); // no policy request at all
  CHECK_FALSE(s.rcpt("<postmaster>", macros({})));
  questions = s.end(macros({{"i", "4Q2"}}));
  REQUIRE(questions.size() == 1);
  REQUIRE(questions[0].problem);
  CHECK(questions[0].problem->reason == Reason::no_evidence);
  CHECK(s.take_no_evidence());

  s.mail("<ceo@acme.example>", macros({{"{tls_version}", "TLSv1.3"}, {"{verify}", "NO"}})); // Sendmail asks us now
  CHECK(s.rcpt("<postmaster>", macros({})));
}

TEST_CASE("session: rules with from are asked at the end, and the strictest answer counts") {
  Desk desk;
  Rule acme;
  acme.name = "acme";
  acme.from = {senders("acme.example")};
  desk.use({acme});
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s, "<x@list.example>");
  desk.policy_asked();
  s.rcpt("<b@example.net>", macros({}));
  s.rcpt_judged(decided(desk.config, Reason::match, Action::tag), "R1");
  s.header("Subject", "ceo@acme.example");
  s.header("FROM", " The CEO <ceo@acme.example>");
  const auto questions = s.end(macros({}));
  REQUIRE(questions.size() == 1);
  REQUIRE(questions[0].rules);
  CHECK(questions[0].rules->size() == 1);
  CHECK(questions[0].evidence.has_credential());
  s.end_judged(decided(desk.config, Reason::no_tls, Action::hold), "R2");
  s.end_judged(decided(desk.config, Reason::bogus, Action::defer), "R3");
  s.end_judged(decided(desk.config, Reason::mismatch, Action::reject), "R4");
  s.end_judged(decided(desk.config, Reason::bogus, Action::defer), "R5");
  const auto ending = s.finish();
  REQUIRE(ending.refusal);
  CHECK(ending.refusal->text().ends_with("[ref R4]"));

  desk.mail(s, "<x@list.example>");
  s.rcpt("<b@example.net>", macros({}));
  s.rcpt_judged(decided(desk.config, Reason::match, Action::tag), "R6");
  CHECK(s.end(macros({})).empty()); // the next message has a From of its own
}

TEST_CASE("session: fields to delete are counted by name, last first; a message forgets the one before") {
  Desk desk;
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s);
  s.header("Authentication-Results", " mx.example.net; x-dane-client=pass");
  s.header("Received", " x");
  s.header("authentication-results", " mx.example.net; spf=pass");
  s.header("Authentication-Results", " mx.example.net;\n\tx-dane-client=pass");
  s.header("X-Authentication-Results", " mx.example.net; x-dane-client=pass");
  CHECK(s.finish().remove == std::vector<unsigned>{3, 1});
  desk.mail(s);
  CHECK(s.finish().remove.empty());
}
