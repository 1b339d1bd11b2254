#include "daemon/service/verdict_log.h"
#include "tests/support/catch.h"

#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

using namespace danegate;
using service::verdict_line;
using service::VerdictContext;

namespace {

core::DnsName name(std::string_view text) {
  return core::DnsName::parse(text).value();
}

core::Decision make_decision(core::TlsaOutcome outcome, std::chrono::seconds ttl) {
  static const core::Service smtp{.name = "smtp", .ports = {25}, .names = {}};
  core::Decision decision;
  decision.service = &smtp;
  core::NameTrace trace;
  trace.name = core::OwnerName{name("_smtp-client.mta1.acme.example"), core::Identity{"", name("mta1.acme.example")}};
  trace.answer = std::make_shared<core::TlsaAnswer>(core::TlsaAnswer{std::move(outcome), ttl});
  decision.names.push_back(std::move(trace));
  decision.outcome.name = 0;
  decision.lookups = 1;
  return decision;
}

core::Secure one_record() {
  core::Bytes data(32, 0);
  data[0] = 0x3e;
  data[1] = 0x98;
  data[30] = 0xa4;
  data[31] = 0x3f;
  return core::Secure{.records = {core::TlsaRecord{.usage = 3, .selector = 1, .matching = 1, .data = data}}};
}

core::Rule make_rule() {
  core::Rule rule;
  rule.name = "acme";
  return rule;
}

const VerdictContext context{.ref = "7K3M9QZD",
                             .queue = "",
                             .instance = "64cf.6b021a12.d85c5.0",
                             .state = "RCPT",
                             .client = "127.0.0.1",
                             .helo = "mta1.acme.example",
                             .sender = "a@acme.example",
                             .elapsed = std::chrono::milliseconds(3)};

/// What follows the time, which is checked by the log's own tests.
std::string after_time(const std::string& line) {
  REQUIRE(line.starts_with("time="));
  return line.substr(line.find(' ') + 1);
}

std::string value_of(const std::string& line, const std::string& key) {
  const std::size_t at = line.find(" " + key + "=");
  REQUIRE(at != std::string::npos);
  const std::size_t begin = at + key.size() + 2;
  if (line[begin] == '"') return line.substr(begin + 1, line.find('"', begin + 1) - begin - 1);
  return line.substr(begin, line.find(' ', begin) - begin);
}

} // namespace

TEST_CASE("a refusal's line has every key, in order") {
  const core::Rule rule = make_rule();
  core::Decision decision = make_decision(one_record(), std::chrono::seconds(3600));
  decision.outcome.rule = &rule;
  decision.outcome.action = core::Action::reject;
  decision.outcome.reason = core::Reason::mismatch;
  CHECK(after_time(verdict_line(decision, decision.outcome, context, false)) ==
        "level=info event=verdict ref=7K3M9QZD queue= instance=64cf.6b021a12.d85c5.0 state=RCPT service=smtp rule=acme "
        "mode=enforce action=reject result=fail reason=mismatch identity= owner=_smtp-client.mta1.acme.example "
        "dnssec=secure record= ttl=3600 client=127.0.0.1 helo=mta1.acme.example sender=a@acme.example lookups=1 "
        "cached=0 ms=3");
}

TEST_CASE("a pass names identity and record") {
  core::Decision decision = make_decision(one_record(), std::chrono::seconds(60));
  decision.outcome.action = core::Action::tag;
  decision.outcome.reason = core::Reason::match;
  decision.outcome.record = 0;
  decision.outcome.detail = "two words";
  const std::string line = verdict_line(decision, decision.outcome, context, false);
  CHECK(value_of(line, "identity") == "mta1.acme.example");
  CHECK(value_of(line, "record") == "3 1 1 3e98\u2026a43f");
  CHECK(value_of(line, "result") == "pass");
  CHECK(value_of(line, "rule").empty()); // the service's default decided
  CHECK(line.ends_with(" ms=3 detail=\"two words\""));
}

TEST_CASE("no identity is named unless it was authenticated") {
  core::Decision decision = make_decision(one_record(), std::chrono::seconds(60));
  for (const core::ReasonInfo& info : core::reason_table) {
    INFO(info.token);
    decision.outcome.reason = info.reason;
    const bool authenticated = info.result == core::Result::pass || info.result == core::Result::policy;
    const std::string line = verdict_line(decision, decision.outcome, context, false);
    CHECK(value_of(line, "identity") == (authenticated ? "mta1.acme.example" : ""));
    CHECK(value_of(line, "reason") == info.token);
    CHECK(value_of(line, "result") == core::token(info.result));
  }
}

TEST_CASE("the deciding answer's state and TTL") {
  struct Row {
    const char* label;
    core::TlsaOutcome outcome;
    std::chrono::seconds ttl;
    const char* state;
    const char* ttl_text;
  };

  const Row rows[] = {
      {"secure", one_record(), std::chrono::seconds(300), "secure", "300"},
      {"absent", core::Absent{}, std::chrono::seconds(5), "absent", "5"},
      {"insecure", core::Insecure{}, std::chrono::seconds(0), "insecure", "0"},
      {"negative ttl", core::Insecure{}, std::chrono::seconds(-1), "insecure", "0"},
      {"bogus", core::Bogus{"expired"}, std::chrono::seconds(32768), "bogus", ""},
      {"failed", core::Failed{core::FailureKind::timeout, ""}, std::chrono::seconds(32768), "failed", ""},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    const core::Decision decision = make_decision(row.outcome, row.ttl);
    const std::string line = verdict_line(decision, decision.outcome, context, false);
    CHECK(value_of(line, "dnssec") == row.state);
    CHECK(value_of(line, "ttl") == row.ttl_text);
    const auto object = nlohmann::json::parse(verdict_line(decision, decision.outcome, context, true));
    CHECK(object.at("dnssec") == row.state);
    CHECK(object.at("ttl") == nlohmann::json::parse(*row.ttl_text ? row.ttl_text : "null"));
  }
}

TEST_CASE("a verdict without DNS leaves those keys empty") {
  core::Decision decision;
  decision.outcome.reason = core::Reason::no_tls;
  VerdictContext bare{};
  bare.ref = "00000000";
  for (const bool unanswered : {false, true}) {
    if (unanswered) { // a name that was never looked up
      decision.names.emplace_back();
      decision.outcome.name = 0;
    }
    const std::string line = verdict_line(decision, decision.outcome, bare, false);
    CHECK(after_time(line) ==
          "level=info event=verdict ref=00000000 queue= instance= state= service= rule= mode=enforce action=defer "
          "result=none reason=no-tls identity= owner= dnssec= record= ttl= client= helo= sender= lookups=0 cached=0 "
          "ms=0");
  }
}

TEST_CASE("a monitored rule's line says what would have happened") {
  const core::Rule rule = make_rule();
  core::Decision decision = make_decision(one_record(), std::chrono::seconds(60));
  core::Outcome monitored;
  monitored.rule = &rule;
  monitored.mode = core::Mode::monitor;
  monitored.action = core::Action::reject;
  monitored.reason = core::Reason::not_allowed;
  monitored.name = 0;
  monitored.record = 0;
  const std::string line = verdict_line(decision, monitored, context, false);
  CHECK(
      line.find(" rule=acme mode=monitor action=reject result=policy reason=not-allowed identity=mta1.acme.example ") !=
      std::string::npos);
}

TEST_CASE("peers cannot forge pairs or lines") {
  const core::Decision decision = make_decision(core::Absent{}, std::chrono::seconds(60));
  VerdictContext evil = context;
  evil.helo = "x result=pass\nlevel=info";
  evil.sender = "\" result=pass \xff";
  evil.queue = "4cXyz\r";
  const std::string line = verdict_line(decision, decision.outcome, evil, false);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find(R"( helo="x result=pass\x0alevel=info" sender="\" result=pass \xff" )") != std::string::npos);
  CHECK(line.find(R"(queue="4cXyz\x0d")") != std::string::npos);
  const auto object = nlohmann::json::parse(verdict_line(decision, decision.outcome, evil, true));
  CHECK(object.at("helo") == "x result=pass\nlevel=info");
  CHECK(object.at("sender") == "\" result=pass \ufffd");
}

TEST_CASE("JSON has the keys of logfmt, numbers as numbers") {
  core::Decision decision = make_decision(one_record(), std::chrono::seconds(3600));
  decision.outcome.reason = core::Reason::match;
  decision.outcome.record = 0;
  decision.outcome.detail = "why";
  const auto object = nlohmann::ordered_json::parse(verdict_line(decision, decision.outcome, context, true));
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items())
    keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"time",    "level",  "event",  "ref",    "queue",  "instance", "state",
                                         "service", "rule",   "mode",   "action", "result", "reason",   "identity",
                                         "owner",   "dnssec", "record", "ttl",    "client", "helo",     "sender",
                                         "lookups", "cached", "ms",     "detail"});
  CHECK(object.at("ms") == 3);
  CHECK(object.at("lookups") == 1);
  CHECK(object.at("cached") == 0);
  CHECK(object.at("ttl") == 3600);
  CHECK(object.at("record") == "3 1 1 3e98\u2026a43f");
}

TEST_CASE("references are eight characters of Crockford's base 32, and differ") {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::set<std::string> seen;
  std::set<char> used;
  for (int i = 0; i < 1000; ++i) {
    const std::string reference = service::make_reference();
    REQUIRE(reference.size() == 8);
    for (char c : reference)
      CHECK(alphabet.find(c) != std::string_view::npos);
    used.insert(reference.begin(), reference.end());
    seen.insert(reference);
  }
  CHECK(seen.size() == 1000); // one collision in 2^40 / 2^19 runs
  CHECK(used.size() == alphabet.size());
}
