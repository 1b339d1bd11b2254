// Whose word a milter session takes, who enforces, and what becomes of the message.
#include "milter/session.h"
#include "tests/milter/sessions.h"
#include "tests/support/catch.h"

#include <stdexcept>

using namespace danegate;
using namespace danegate::test;
using milter::Session;

namespace {

/// "tls key joined" of the question for one recipient.
std::string standing(Session& s, const char* recipient = "<b@example.net>", const MacroMap& at_rcpt = {}) {
  const auto question = s.rcpt(recipient, macros(at_rcpt));
  if (!question) return "no service";
  std::string words = question->evidence.tls ? "tls" : "plain";
  if (question->evidence.has_credential()) words += " credential";
  if (question->problem) words += std::string(" ").append(token(question->problem->reason));
  return words + (s.left_to_policy() ? " joined" : "");
}

} // namespace

TEST_CASE("session: evidence of Postfix comes from its policy requests") {
  Desk desk;
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s);
  CHECK(standing(s) == "tls no-evidence");
  CHECK(s.take_no_evidence());
  CHECK_FALSE(s.take_no_evidence());
  desk.policy_asked();
  CHECK(standing(s) == "tls credential joined");
  const auto question = s.rcpt("<b@example.net>", macros({}));
  CHECK(question->claims.helo == "mta1.acme.example");
  CHECK(question->claims.sender.text() == "ceo@acme.example");
  CHECK(question->envelope.sender.text() == "ceo@acme.example");
  CHECK(question->envelope.recipient->text() == "b@example.net");
  CHECK(question->envelope.client == ip("192.0.2.1"));
  CHECK(question->service->name == "smtp");
  CHECK_FALSE(question->rules);
}

TEST_CASE("session: evidence that is not of this session and this TLS state is none") {
  struct Row {
    const char* label;
    void (*before)(Desk&, Session&);
    const char* standing;
  };

  const Row rows[]{
      {"none", [](Desk&, Session&) {}, "tls no-evidence"},
      {"of this session", [](Desk& d, Session&) { d.policy_asked(); }, "tls credential joined"},
      {"before HELO",
       [](Desk& d, Session& s) {
         d.policy_asked();
         s.helo("mta1.acme.example", macros(d.tls));
         d.mail(s);
       },
       "tls no-evidence"},
      {"of a plain state", [](Desk& d, Session&) { d.policy_asked("", ""); }, "tls no-evidence"},
      {"of another protocol version", [](Desk& d, Session&) { d.policy_asked("", "TLSv1.2"); }, "tls no-evidence"},
      {"of another message", [](Desk& d, Session&) { d.policy_asked("4Q2"); }, "tls no-evidence"},
      {"of this message", [](Desk& d, Session&) { d.policy_asked("4Q1"); }, "tls credential joined"},
      {"too old",
       [](Desk& d, Session&) {
         d.policy_asked();
         d.now += service::EvidenceJoin::max_age;
       },
       "tls no-evidence"},
      {"from before this connection",
       [](Desk& d, Session& s) {
         d.policy_asked();
         d.greet(s);
         d.mail(s);
       },
       "tls no-evidence"},
      {"of a connection that took this one's place",
       [](Desk& d, Session&) {
         d.join.open(d.key);
         d.policy_asked();
       },
       "tls no-evidence"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    Desk desk;
    Session s = desk.session();
    desk.greet(s);
    desk.mail(s);
    row.before(desk, s);
    CHECK(standing(s, "<b@example.net>", {{"i", "4Q1"}}) == row.standing);
  }
}

TEST_CASE("session: STARTTLS in the middle, as Postfix and Sendmail show it") {
  for (const bool with_abort : {true, false}) {
    CAPTURE(with_abort);
    Desk desk;
    Session s = desk.session();
    s.connect(desk.peer, macros(desk.connection));
    s.helo("mta1.acme.example", macros({}));
    s.mail("<ceo@acme.example>", macros({}));
    desk.policy_asked("", "");
    CHECK(standing(s) == "plain joined");
    if (with_abort) s.abort();
    s.helo("mta1.acme.example", macros(desk.tls));
    desk.mail(s);
    CHECK(standing(s) == "tls no-evidence");
    desk.policy_asked();
    CHECK(standing(s) == "tls credential joined");
  }
}

TEST_CASE("session: no TLS is no TLS, whoever is asked") {
  Desk desk;
  Session s = desk.session();
  s.connect(desk.peer, macros(desk.connection));
  s.helo("mta1.acme.example", macros({}));
  s.mail("<ceo@acme.example>", macros({}));
  CHECK(standing(s) == "plain");
  CHECK_FALSE(s.take_no_evidence());
}

TEST_CASE("session: without all four of the session's ends nothing is joined") {
  for (const char* missing : {"{daemon_addr}", "{daemon_port}"}) {
    INFO(missing);
    Desk desk;
    desk.connection.erase(missing);
    desk.connection["{daemon_name}"] = "smtp";
    Session s = desk.session();
    desk.greet(s);
    desk.mail(s);
    desk.policy_asked();
    CHECK(standing(s) == "tls no-evidence");
  }
  Desk desk;
  desk.peer.address.reset(); // a local socket
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s);
  desk.policy_asked();
  CHECK(standing(s) == "tls no-evidence");
}

TEST_CASE("session: IPv6 forms of macros, policy attributes and socket addresses are one") {
  Desk desk;
  desk.peer = {"mta1.acme.example", ip("2001:db8::1"), 4711};
  desk.connection["{daemon_addr}"] = "IPv6:::1";
  desk.key = service::SessionKey::parse({"2001:DB8::1", "4711", "::1", "25"}).value();
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s);
  desk.policy_asked();
  CHECK(standing(s) == "tls credential joined");
}

TEST_CASE("session: past the join's bound it is overload, never no evidence") {
  Desk desk;
  for (std::size_t i = 0; i < service::EvidenceJoin::max_sessions; ++i)
    desk.join.open(service::SessionKey::parse({"198.51.100.1", std::to_string(i + 1), "192.0.2.25", "25"}).value());
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s);
  CHECK(standing(s) == "tls overload");
}

TEST_CASE("session: which service") {
  Desk desk;
  desk.connection["{daemon_port}"] = "26";
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s);
  CHECK(standing(s) == "no service");
  CHECK(s.take_no_service());
  desk.connection["{daemon_name}"] = "MTA";
  desk.greet(s);
  desk.mail(s);
  CHECK(s.rcpt("<b@example.net>", macros({}))->service->name == "MTA");
  desk.key = service::SessionKey::parse({"192.0.2.1", "4711", "192.0.2.25", "26"}).value();
  desk.policy_asked();
  CHECK(s.rcpt("<b@example.net>", macros({}))->service->name == "smtp"); // that of the policy request
}

TEST_CASE("session: events out of order are errors, never verdicts") {
  Desk desk;
  Session s = desk.session();
  CHECK_THROWS_AS(s.rcpt("<b@example.net>", macros({})), std::logic_error);
  CHECK_THROWS_AS(s.end(macros({})), std::logic_error);
  CHECK_THROWS_AS(s.finish(), std::logic_error);
  s.header("From", "x"); // harmless
  desk.greet(s);
  CHECK_THROWS_AS(s.rcpt("<b@example.net>", macros({})), std::logic_error);
  desk.mail(s);
  s.abort();
  CHECK_FALSE(s.in_message());
  CHECK_THROWS_AS(s.rcpt("<b@example.net>", macros({})), std::logic_error);
}

TEST_CASE("session: bounds") {
  Desk desk;
  Session s = desk.session();
  desk.greet(s);
  desk.mail(s);
  for (std::size_t i = 0; i < Session::max_recipients; ++i) {
    s.rcpt("<b@example.net>", macros({}));
    s.rcpt_judged(decided(desk.config, Reason::match, Action::tag), "R");
  }
  CHECK_THROWS_AS(s.rcpt("<b@example.net>", macros({})), std::length_error);

  Rule acme;
  acme.name = "acme";
  acme.from = {senders("acme.example")};
  desk.use({acme});
  desk.mail(s);
  s.rcpt("<b@example.net>", macros({}));
  s.rcpt_judged(decided(desk.config, Reason::match, Action::tag), "R");
  for (std::size_t i = 0; i <= Session::max_from_fields; ++i)
    s.header("From", "x@list.example");
  CHECK(s.end(macros({})).size() == 1); // acme.example may hide behind the bound
}

TEST_CASE("session: a message keeps its configuration, the slot goes with the connection") {
  Desk desk;
  {
    Session s = desk.session();
    desk.greet(s);
    desk.mail(s);
    const auto before = desk.config;
    desk.use({});
    CHECK(s.config() == before);
    s.abort();
    CHECK(s.config() == desk.config);
    CHECK(desk.join.size() == 1);
  }
  CHECK(desk.join.size() == 0);
}
