#include "policy/handler.h"

#include "tests/policy/builders.h"
#include "tests/policy/fake_judge.h"
#include "tests/service/captured_log.h"

using namespace danegate;
using core::Action;
using core::Reason;
using test::attributes;

namespace {

constexpr const char* not_judged = "(not judged)";
constexpr const char* nobody = "(no recipient)";
constexpr std::string_view dunno = "action=DUNNO\n\n";

/// A handler over a fake judge.
struct Desk {
  Desk()
      : judge(loop), handler({.config = [this]() { return config; },
                              .judge = judge.port(),
                              .to_ascii = test::fake_to_ascii,
                              .join = &join},
                             log.log) {}

  std::string ask(const test::Attributes& all, policy::Channel channel = policy::Channel::local) {
    std::string text = test::wire(all);
    auto pending = [&]() {
      const auto request = policy::Request::parse(text);
      return handler.reply_to(request.value(), channel);
    }();
    std::ranges::fill(text, '\n'); // whoever kept a view of it shall see
    return test::result_of(loop, service::wait_for(std::move(pending)));
  }

  std::string recipient_judged() const {
    if (judge.asked.empty()) return not_judged;
    const auto& recipient = judge.asked.back().envelope.recipient;
    return recipient ? recipient->text() : nobody;
  }

  std::vector<std::string> verdict_lines() {
    auto lines = log.lines();
    std::erase_if(lines, [](const std::string& line) { return !line.contains("event=verdict"); });
    return lines;
  }

  boost::asio::io_context loop;
  service::CapturedLog log;
  std::shared_ptr<config::Config> config = test::policy_config();
  test::FakeJudge judge;
  service::EvidenceJoin join;
  policy::Handler handler;
};

struct Step {
  std::string_view state;
  std::string_view recipient;
  std::string_view count;
  Action action;           ///< of the verdict, if there is one
  Reason reason;           ///< likewise
  std::string_view judged; ///< as which recipient, or not_judged
  std::string_view reply;  ///< how its action begins
};

struct Message {
  const char* label;
  std::vector<Step> steps;
};

void play(const Message& message, bool header) {
  INFO(message.label);
  Desk desk;
  desk.config->policy.header_always = header;
  for (const Step& step : message.steps) {
    INFO(step.state << ' ' << step.recipient);
    desk.judge.asked.clear();
    desk.judge.action = step.action;
    desk.judge.reason = step.reason;
    const std::string reply = desk.ask(
        attributes({{"protocol_state", step.state}, {"recipient", step.recipient}, {"recipient_count", step.count}}));
    CHECK(desk.recipient_judged() == step.judged);
    const std::string action = reply.substr(0, reply.size() - 2);
    CHECK(action.starts_with("action=" + std::string{step.reply}));
    CHECK(action.contains("PREPEND") == step.reply.contains("PREPEND"));
  }
}

constexpr auto tag = Action::tag;
constexpr auto match = Reason::match;
constexpr auto mismatch = Reason::mismatch;

} // namespace

TEST_CASE("handler: which stages are judged, and as whom") {
  struct Row {
    std::string_view state;
    std::string judged;
  };

  const Row rows[]{{"CONNECT", not_judged},   {"EHLO", not_judged},      {"HELO", not_judged},
                   {"VRFY", not_judged},      {"ETRN", not_judged},      {"MAIL", nobody},
                   {"RCPT", "b@example.net"}, {"DATA", "b@example.net"}, {"END-OF-MESSAGE", "b@example.net"},
                   {"", "b@example.net"},     {"-", "b@example.net"}};
  for (const Row& row : rows) {
    INFO(row.state);
    Desk desk;
    desk.judge.action = Action::reject;
    desk.judge.reason = mismatch;
    const std::string reply = desk.ask(attributes({{"protocol_state", row.state}, {"recipient_count", "1"}}));
    CHECK(desk.recipient_judged() == row.judged);
    CHECK(reply.starts_with(row.judged == not_judged ? "action=DUNNO" : "action=550 5.7.1 "));
    CHECK(desk.verdict_lines().size() == (row.judged == not_judged ? 0 : 1));
  }
}

TEST_CASE("handler: messages, with no header wanted") {
  const std::string_view b = "b@example.net";
  const std::string_view c = "c@example.net";
  const std::string_view abuse = "abuse@example.net";
  const Message messages[]{
      {"one recipient: the verdict at RCPT stands",
       {{"RCPT", b, "0", tag, match, b, "DUNNO"},
        {"DATA", b, "1", Action::reject, mismatch, not_judged, "DUNNO"},
        {"END-OF-MESSAGE", b, "1", Action::reject, mismatch, not_judged, "DUNNO"}}},
      {"relay: OK at RCPT, nothing more at DATA",
       {{"RCPT", b, "0", Action::permit, match, b, "OK"}, {"DATA", b, "1", tag, match, not_judged, "DUNNO"}}},
      {"two lists ask about each of two recipients",
       {{"RCPT", b, "0", tag, match, b, "DUNNO"},
        {"RCPT", b, "0", tag, match, b, "DUNNO"},
        {"RCPT", c, "0", tag, match, c, "DUNNO"},
        {"RCPT", c, "0", tag, match, c, "DUNNO"},
        {"DATA", "", "2", Action::reject, mismatch, not_judged, "DUNNO"}}},
      {"one refused, one exempt: nothing is undone at DATA",
       {{"RCPT", b, "0", Action::reject, mismatch, b, "550 5.7.1 "},
        {"RCPT", abuse, "0", tag, mismatch, abuse, "DUNNO"},
        {"DATA", abuse, "1", Action::reject, mismatch, not_judged, "DUNNO"},
        {"END-OF-MESSAGE", abuse, "1", Action::reject, mismatch, not_judged, "DUNNO"}}},
      {"bare postmaster alone: DATA judges, end of message stands",
       {{"DATA", "postmaster", "1", tag, match, "postmaster@example.net", "DUNNO"},
        {"END-OF-MESSAGE", "postmaster", "1", Action::reject, mismatch, not_judged, "DUNNO"}}},
      {"bare postmaster of an impostor",
       {{"DATA", "postmaster", "1", Action::reject, mismatch, "postmaster@example.net", "550 5.7.1 "},
        {"DATA", "postmaster", "1", Action::reject, mismatch, "postmaster@example.net", "550 5.7.1 "}}},
      {"bare postmaster beside a refused recipient",
       {{"RCPT", b, "0", Action::reject, mismatch, b, "550 5.7.1 "},
        {"DATA", "postmaster", "1", Action::reject, mismatch, "postmaster@example.net", "550 5.7.1 "}}},
      {"bare postmaster beside an exempt one",
       {{"RCPT", abuse, "0", tag, mismatch, abuse, "DUNNO"},
        {"DATA", "", "2", Action::reject, mismatch, "postmaster@example.net", "550 5.7.1 "},
        {"DATA", "", "2", Action::defer, Reason::bogus, "postmaster@example.net", "451 4.4.3 "}}},
      {"policy service in the DATA list only: several recipients are unknown ones",
       {{"DATA", "", "2", Action::reject, mismatch, nobody, "550 5.7.1 "},
        {"DATA", "", "2", Action::reject, mismatch, nobody, "550 5.7.1 "}}},
      {"policy service at end of message only",
       {{"END-OF-MESSAGE", b, "1", Action::reject, mismatch, b, "550 5.7.1 "}}},
      {"hold at RCPT is a verdict that stands",
       {{"RCPT", b, "0", Action::hold, mismatch, b, "HOLD"}, {"DATA", b, "1", tag, match, not_judged, "DUNNO"}}},
      {"deferred for overload, tried again",
       {{"RCPT", b, "0", Action::defer, Reason::overload, b, "451 4.3.2 "},
        {"RCPT", b, "0", tag, match, b, "DUNNO"},
        {"DATA", b, "1", Action::reject, mismatch, not_judged, "DUNNO"}}},
  };
  for (const Message& message : messages)
    play(message, false);
}

TEST_CASE("handler: messages, with the header always") {
  const std::string_view b = "b@example.net";
  const std::string_view c = "c@example.net";
  const std::string_view field = "PREPEND Authentication-Results: mx.example.net; x-dane-client=";
  const std::string pass = std::string{field} + "pass reason=\"match\"";
  const std::string fail = std::string{field} + "fail reason=\"mismatch\"";
  const std::string doubt = std::string{field} + "temperror reason=\"bogus\"";
  const Message messages[]{
      {"once, at DATA, never at RCPT or the end",
       {{"RCPT", b, "0", tag, match, b, "DUNNO"},
        {"RCPT", c, "0", tag, match, c, "DUNNO"},
        {"DATA", "", "2", tag, match, not_judged, pass},
        {"DATA", "", "2", tag, match, not_judged, "DUNNO"},
        {"END-OF-MESSAGE", "", "2", tag, match, not_judged, "DUNNO"}}},
      {"the worst of the verdicts that let through",
       {{"RCPT", "d@example.net", "0", Action::reject, Reason::bogus, "d@example.net", "550"},
        {"RCPT", b, "0", tag, match, b, "DUNNO"},
        {"RCPT", c, "0", tag, mismatch, c, "DUNNO"},
        {"DATA", "", "2", tag, match, not_judged, fail}}},
      {"doubt wins",
       {{"RCPT", b, "0", tag, mismatch, b, "DUNNO"},
        {"RCPT", c, "0", tag, Reason::bogus, c, "DUNNO"},
        {"DATA", "", "2", tag, match, not_judged, doubt}}},
      {"judged at DATA", {{"DATA", "postmaster", "1", tag, mismatch, "postmaster@example.net", fail}}},
      {"judged at DATA, beside what was let through",
       {{"RCPT", b, "0", tag, mismatch, b, "DUNNO"}, {"DATA", "", "2", tag, match, "postmaster@example.net", fail}}},
      {"hold at DATA wins", {{"DATA", "postmaster", "1", Action::hold, mismatch, "postmaster@example.net", "HOLD"}}},
      {"a refusal at DATA wins",
       {{"DATA", "postmaster", "1", Action::reject, mismatch, "postmaster@example.net", "550"}}},
      {"the field gives way to nothing else",
       {{"DATA", "postmaster", "1", Action::permit, match, "postmaster@example.net", pass}}},
      {"never at the end of the message", {{"END-OF-MESSAGE", b, "1", tag, match, b, "DUNNO"}}},
  };
  for (const Message& message : messages)
    play(message, true);
}

TEST_CASE("handler: without an instance nothing is remembered") {
  Desk desk;
  desk.config->policy.header_always = true;
  CHECK(desk.ask(attributes({{"instance", ""}})) == dunno);
  const auto at_data = attributes({{"instance", ""}, {"protocol_state", "DATA"}, {"recipient_count", "1"}});
  for (int i = 0; i < 2; ++i)
    CHECK(desk.ask(at_data).starts_with("action=PREPEND Authentication-Results: "));
  CHECK(desk.judge.asked.size() == 3);
}

TEST_CASE("handler: what one service, one message or one mail system was told is no verdict for another") {
  struct Row {
    const char* label;
    std::string_view name;
    std::string_view value;
  };

  static constexpr Row rows[]{{"service", "policy_context", "submission"},
                              {"message", "instance", "64cf.6b021a11.2699f.1"},
                              {"mail system", "client_address", "192.0.2.2"}};
  for (const Row& row : rows) {
    INFO(row.label);
    Desk desk;
    desk.ask(attributes());
    desk.judge.action = Action::reject;
    desk.judge.reason = mismatch;
    const std::string reply =
        desk.ask(attributes({{"protocol_state", "DATA"}, {"recipient_count", "1"}, {row.name, row.value}}));
    CHECK(reply.starts_with("action=550 "));
  }
}

TEST_CASE("handler: a service in monitor mode neither refuses nor permits") {
  for (const Action action : {Action::reject, Action::defer, Action::hold, Action::permit}) {
    Desk desk;
    desk.judge.action = action;
    desk.judge.mode = core::Mode::monitor;
    CHECK(desk.ask(attributes()) == dunno);
    CHECK(desk.ask(attributes({{"protocol_state", "DATA"}, {"recipient_count", "1"}})) == dunno);
    CHECK(desk.judge.asked.size() == 1);
  }
}

TEST_CASE("handler: nobody's request is not judged, and said once") {
  Desk desk;
  const auto astray = attributes({{"server_port", "10025"}});
  for (int i = 0; i < 3; ++i)
    CHECK(desk.ask(astray) == dunno);
  CHECK(desk.judge.asked.empty());
  const auto lines = desk.log.lines();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].contains("level=warning"));
  CHECK(lines[0].contains("port=10025"));
}

TEST_CASE("handler: an unknown context falls back to the port, with a warning") {
  Desk desk;
  for (int i = 0; i < 3; ++i)
    desk.ask(attributes({{"policy_context", "smpt"}}));
  CHECK(desk.judge.asked.size() == 3);
  CHECK(desk.judge.asked.back().service->name == "smtp");
  auto lines = desk.log.lines();
  std::erase_if(lines, [](const std::string& line) { return line.contains("event=verdict"); });
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].contains("context=smpt"));
}

TEST_CASE("handler: verdict lines under one reference, the one that the peer is given") {
  Desk desk;
  core::Rule rule;
  rule.name = "acme";
  rule.text = "no";
  desk.judge.rule = &rule;
  desk.judge.action = Action::reject;
  desk.judge.reason = mismatch;
  core::Outcome watched;
  watched.mode = core::Mode::monitor;
  watched.action = Action::defer;
  watched.reason = Reason::bogus;
  desk.judge.monitored = {watched, watched};

  const std::string reply = desk.ask(attributes({{"queue_id", "26CCEA8E58D"}}));
  const std::size_t at = reply.find("[ref ");
  REQUIRE(at != std::string::npos);
  const std::string ref = reply.substr(at + 5, 8);
  const auto lines = desk.verdict_lines();
  REQUIRE(lines.size() == 3);
  for (const std::string& line : lines)
    CHECK(line.contains("ref=" + ref));
  for (const char* const part :
       {"rule=acme", "action=reject", "reason=mismatch", "queue=26CCEA8E58D", "state=RCPT",
        "instance=64cf.6b021a11.2699f.0", "client=192.0.2.1", "helo=mta1.acme.example", "sender=ceo@acme.example"}) {
    INFO(part);
    CHECK(lines[0].contains(part));
  }
  CHECK(lines[1].contains("mode=monitor"));
  CHECK(lines[2].contains("reason=bogus"));

  CHECK_FALSE(desk.ask(attributes({{"instance", "another"}})).contains(ref));
}

TEST_CASE("handler: each request has the configuration of its moment, and keeps it") {
  Desk desk;
  const auto before = desk.config;
  desk.ask(attributes());
  desk.config = test::policy_config();
  desk.ask(attributes());
  REQUIRE(desk.judge.configs.size() == 2);
  CHECK(desk.judge.configs[0] == before);
  CHECK(desk.judge.configs[1] == desk.config);
  CHECK(desk.judge.asked[1].service == desk.config->rules->service_named("smtp"));
}

TEST_CASE("handler: a judge that fails gives no reply") {
  Desk desk;
  desk.judge.fails = true;
  CHECK_THROWS_AS(desk.ask(attributes()), std::runtime_error);
  desk.judge.fails = false;
  CHECK(desk.ask(attributes({{"protocol_state", "DATA"}, {"recipient_count", "1"}})) == dunno);
  CHECK(desk.judge.asked.size() == 2); // the failed one settled nothing
}

TEST_CASE("handler: the milter connection of the same session is told what Postfix told us") {
  const service::SessionKey key = service::SessionKey::parse({"192.0.2.1", "4711", "192.0.2.25", "25"}).value();
  const auto session = [](std::string_view state) {
    return attributes({{"protocol_state", state},
                       {"client_address", "192.0.2.1"},
                       {"client_port", "4711"},
                       {"server_address", "192.0.2.25"},
                       {"server_port", "25"},
                       {"queue_id", "4Q1"}});
  };

  struct Row {
    const char* label;
    std::string_view state;
    policy::Channel channel;
    bool trust_inet;
    bool told;
  };

  using policy::Channel;
  const Row rows[]{
      {"RCPT", "RCPT", Channel::local, false, true},
      {"MAIL", "MAIL", Channel::local, false, true},
      {"DATA", "DATA", Channel::local, false, true},
      {"END-OF-MESSAGE", "END-OF-MESSAGE", Channel::local, false, true},
      {"before TLS there is nothing to tell", "EHLO", Channel::local, false, false},
      {"CONNECT", "CONNECT", Channel::local, false, false},
      {"VRFY", "VRFY", Channel::local, false, false},
      {"any local user may speak there", "RCPT", Channel::inet, false, false},
      {"policy.trust-inet", "RCPT", Channel::inet, true, true},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    Desk desk;
    desk.config->policy.trust_inet = row.trust_inet;
    const auto ticket = desk.join.open(key).value();
    desk.ask(session(row.state), row.channel);
    const auto found = desk.join.find(ticket, "4Q1", std::chrono::steady_clock::now());
    CHECK(found.has_value() == row.told);
    if (found) CHECK(found->service == "smtp");
  }
}

TEST_CASE("handler: a session whose four are not all known tells nobody") {
  for (const char* missing : {"client_port", "server_address", "server_port", "client_address"}) {
    INFO(missing);
    Desk desk;
    const auto key = service::SessionKey::parse({"192.0.2.1", "4711", "192.0.2.25", "25"}).value();
    const auto ticket = desk.join.open(key).value();
    const test::Attributes all = attributes({{"protocol_state", "RCPT"},
                                             {"policy_context", "smtp"},
                                             {"client_address", "192.0.2.1"},
                                             {"client_port", "4711"},
                                             {"server_address", "192.0.2.25"},
                                             {"server_port", "25"},
                                             {missing, "unknown"}});
    desk.ask(all);
    CHECK_FALSE(desk.join.find(ticket, "", std::chrono::steady_clock::now()));
  }
}
