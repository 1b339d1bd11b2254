// From a request to its explanation: recorded requests, a judge over canned answers.
#include "policy/explain.h"

#include "daemon/ctl/explain_command.h"
#include "daemon/service/ports.h"
#include "daemon/tls/certificate.h"
#include "policy/requests.h"
#include "tests/policy/decisions.h"

#include <map>
#include <sstream>

#include <sysexits.h>

namespace danegate::ctl {

using namespace policy;

namespace {

const std::string captures = DANEGATE_TEST_DATA "/captures/";
const std::string partner_rule = "[[rule]]\nname = \"partner\"\nidentities = [\"*.partner.example\"]\n";

std::vector<std::string> capture(const std::string& file) {
  std::ifstream stream(captures + file);
  REQUIRE(stream);
  std::stringstream text;
  text << stream.rdbuf();
  const auto requests = split_requests(text.str(), 65536);
  REQUIRE(requests);
  return *requests;
}

core::Certificate certificate(const std::string& name) {
  auto read = tls::read_certificate(captures + "certs/" + name);
  REQUIRE(read);
  return *read;
}

/// Answers every lookup with the same records.
struct FakeJudge {
  config::ConfigPtr config;
  core::AnswerPtr always;
  std::vector<core::Question> asked{};

  core::Decision operator()(core::Question question) {
    asked.push_back(question);
    core::AuthFlow flow(config->rules, std::move(question), service::library_ports(),
                        {config->limits.records_per_name});
    while (!flow.done())
      for (const auto& need : flow.take_needs())
        flow.answer(need.id, always, false);
    return flow.take();
  }
};

struct Explained {
  std::expected<Explanation, std::string> result;
  std::vector<core::Question> asked;
};

Explained run(const std::string& text, config::ConfigPtr config, core::TlsaOutcome outcome,
              const std::optional<core::Certificate>& cert = {}) {
  FakeJudge judge{config, answer(std::move(outcome), 60)};
  auto result = explain_request(text, *config, cert, service::library_ports(), std::ref(judge));
  return {std::move(result), std::move(judge.asked)};
}

std::string changed(std::string text, std::string_view what, std::string_view into) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), into);
}

/// The record that pins a certificate: usage and selector 0, SHA-256.
core::TlsaRecord pins(const core::Certificate& cert, std::uint8_t usage) {
  return {usage, 0, 1, service::library_ports().hash(core::DigestAlgorithm::sha256, cert.der)};
}

} // namespace

TEST_CASE("A recorded request with the right record, the wrong one and none", "[ctl]") {
  const auto config = config::load_text(partner_rule);
  const auto text = capture("postfix-3.7.11/self-signed.policy").front();
  const auto cert = certificate("self-signed.pem");

  struct Row {
    const char* label;
    core::TlsaOutcome outcome;
    core::Reason reason;
    const char* reply;
  };

  const std::vector<Row> rows{
      {"right", core::Secure{{pins(cert, 3)}}, core::Reason::match, "DUNNO"},
      {"wrong", core::Secure{{record(3, 0, 1, 32)}}, core::Reason::mismatch,
       "550 5.7.1 This client is not accepted as a source of this mail [ref XXXXXXXX]"},
      {"none", core::Absent{}, core::Reason::no_record,
       "451 4.4.3 This mail cannot be accepted at the moment, try again later [ref XXXXXXXX]"},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    const auto [explained, asked] = run(text, config, row.outcome);
    REQUIRE(explained);
    REQUIRE(explained->decision);
    CHECK(explained->decision->outcome.reason == row.reason);
    CHECK(explained->reply == row.reply);
    CHECK(explained->service == "smtp");
    CHECK(explained->state == "RCPT");
    CHECK(explained->helo == "mta1.partner.example");
    CHECK(explained->note.empty());
  }
}

TEST_CASE("An explanation says that it has no roster, where the daemon has one", "[ctl]") {
  const auto config = config::load_text(partner_rule + "[[rule]]\nname = \"named\"\nidentities = [\"a.example\"]\n");
  const auto text = capture("postfix-3.7.11/self-signed.policy").front();
  const auto [explained, asked] = run(text, config, core::Absent{});
  REQUIRE(explained);
  CHECK(explained->note.contains("without the daemon's roster"));
}

TEST_CASE("Every recorded request can be explained", "[ctl]") {
  const auto config = config::load_text(partner_rule);
  const std::map<std::string, core::Result> expected{
      {"plain", core::Result::none},       {"tls-no-cert", core::Result::none},
      {"self-signed", core::Result::pass}, {"three-recipients", core::Result::pass},
      {"null-sender", core::Result::pass},
  };
  const auto cert = certificate("self-signed.pem");
  for (const auto& [name, result] : expected) {
    for (const auto& text : capture("postfix-3.7.11/" + name + ".policy")) {
      INFO(name << "\n" << text);
      const auto [explained, asked] = run(text, config, core::Secure{{pins(cert, 3)}});
      REQUIRE(explained);
      if (explained->service.empty()) continue; // END-OF-MESSAGE was recorded without a policy_context
      REQUIRE(explained->decision);
      CHECK(explained->decision->outcome.result() == result);
      CHECK(explained->decision->names.empty() == (result == core::Result::none));
    }
  }
}

TEST_CASE("Requests that get no verdict say so", "[ctl]") {
  const auto config = config::load_text(partner_rule);
  const auto text = capture("postfix-3.7.11/self-signed.policy").front();

  struct Row {
    const char* label;
    std::string text;
    const char* note;
    const char* service;
    bool judged;
  };

  const std::vector<Row> rows{
      {"CONNECT", changed(text, "=RCPT", "=CONNECT"), "no verdict is given before MAIL", "", false},
      {"EHLO", changed(text, "=RCPT", "=EHLO"), "no verdict is given before MAIL", "", false},
      {"VRFY", changed(text, "=RCPT", "=VRFY"), "no verdict is given for this command", "", false},
      {"no service", changed(text, "policy_context=smtp", "policy_context="), "no verdict: neither policy_context", "",
       false},
      {"unknown context",
       changed(changed(text, "policy_context=smtp", "policy_context=x"), "server_port=2525", "server_port=25"),
       "policy_context names no service; the server's port chooses instead", "smtp", true},
      {"DATA", changed(text, "=RCPT", "=DATA"), "", "smtp", true},
      {"END-OF-MESSAGE", changed(text, "=RCPT", "=END-OF-MESSAGE"), "", "smtp", true},
      {"a state of later Postfixes", changed(text, "=RCPT", "=BURL"), "", "smtp", true},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    const auto [explained, asked] = run(row.text, config, core::Absent{});
    REQUIRE(explained);
    CHECK(explained->note.starts_with(row.note));
    CHECK(explained->note.empty() == std::string_view(row.note).empty());
    CHECK(explained->service == row.service);
    CHECK(explained->decision.has_value() == row.judged);
    CHECK(asked.size() == (row.judged ? 1 : 0));
    if (!row.judged) CHECK(explained->reply == "DUNNO");
  }
}

TEST_CASE("The header stands in the reply where the daemon would put it", "[ctl]") {
  const auto config = config::load_text("[policy]\nheader = \"always\"\n" + partner_rule);
  const auto rcpt = capture("postfix-3.7.11/self-signed.policy").front();
  const auto data = changed(rcpt, "=RCPT", "=DATA");
  const core::Secure right{{pins(certificate("self-signed.pem"), 3)}};
  CHECK(run(rcpt, config, right).result->reply == "DUNNO");
  CHECK(run(data, config, right)
            .result->reply.starts_with("PREPEND Authentication-Results: mx.example.net; x-dane-client=pass"));
  CHECK(run(data, config, core::Absent{}).result->reply.starts_with("451 4.4.3 "));
  const auto holds =
      config::load_text("[policy]\nheader = \"always\"\n" + partner_rule + "on-unpublished = \"hold\"\n");
  CHECK(run(data, holds, core::Absent{}).result->reply.starts_with("HOLD"));
  const auto quiet = config::load_text(partner_rule);
  CHECK(run(data, quiet, right).result->reply == "DUNNO");
}

TEST_CASE("With the certificate at hand usage 1 can be judged", "[ctl]") {
  const auto config = config::load_text(partner_rule);
  const auto cert = certificate("ca-trusted-san-only.pem"); // for mta3
  const auto as_mta1 = capture("postfix-3.7.11/ca-trusted-san-only.policy").front();
  const auto as_mta3 = changed(as_mta1, "helo_name=mta1.", "helo_name=mta3.");
  const core::Secure pkix{{pins(cert, 1)}};

  struct Row {
    const char* label;
    std::string text;
    std::optional<core::Certificate> cert;
    core::Reason reason;
    std::string subject; ///< that the judge was given
  };

  const std::vector<Row> rows{
      {"without it", as_mta3, {}, core::Reason::unusable, ""},
      {"under its name", as_mta3, cert, core::Reason::match, "mta3.partner.example"},
      {"under another name, but its own is tried as well", as_mta1, cert, core::Reason::match, "mta3.partner.example"},
      {"not trusted by the mail server", changed(as_mta3, "ccert_issuer=Test+20CA", "ccert_issuer="), cert,
       core::Reason::mismatch, "mta3.partner.example"},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    const auto [explained, asked] = run(row.text, config, pkix, row.cert);
    REQUIRE(explained);
    CHECK(token(explained->decision->outcome.reason) == token(row.reason));
    CHECK(explained->evidence.certificate.has_value() == row.cert.has_value());
    REQUIRE(asked.size() == 1);
    CHECK(asked.front().claims.subject == row.subject);
  }
}

TEST_CASE("A certificate that is not the request's is refused", "[ctl]") {
  const auto config = config::load_text(partner_rule);
  const auto other = certificate("ca-trusted.pem");
  const auto wrong = run(capture("postfix-3.7.11/self-signed.policy").front(), config, core::Absent{}, other);
  REQUIRE_FALSE(wrong.result);
  CHECK(wrong.result.error() == "the certificate's fingerprint is not the request's ccert_fingerprint");
  CHECK(wrong.asked.empty());
  const auto raw = run(capture("postfix-3.10.13/raw-public-key.policy").front(), config, core::Absent{}, other);
  REQUIRE_FALSE(raw.result);
  CHECK(raw.result.error().starts_with("the request has no readable ccert_fingerprint"));
}

TEST_CASE("Exit codes of the command", "[ctl]") {
  const config::Folder folder;
  const auto good = folder.write("good.toml", "[dns]\ntrust-anchor-files = []\ntrust-anchors = [\"example. DS 1 13 2 " +
                                                  std::string(64, 'a') + "\"]\n");
  const auto bad = folder.write("bad.toml", "[dns]\ntimeout = 4\n");
  const auto plain = capture("postfix-3.7.11/plain.policy").front(); // needs no lookup

  struct Row {
    const char* label;
    ExplainOptions options;
    std::string input;
    int status;
    std::string out; ///< part of it
    std::string err;
  };

  const std::vector<Row> rows{
      {"explained", {good, "", false}, plain, EX_OK, "verdict:    none (no-tls)", ""},
      {"explained, as JSON", {good, "", true}, plain, EX_OK, "{\"result\":\"none\",\"reason\":\"no-tls\",", ""},
      {"wrong configuration", {bad, "", false}, plain, EX_CONFIG, "", bad + ":2:11: dns.timeout: expected a duration"},
      {"wrong request", {good, "", true}, plain + "x\n\n", EX_DATAERR, "", "danegate: request 2: "},
      {"no request", {good, "", true}, "", EX_DATAERR, "", "danegate: there is no request"},
      {"no certificate",
       {good, folder.path("none.pem"), true},
       plain,
       EX_DATAERR,
       "",
       "none.pem: No such file or directory"},
      {"no certificate in it", {good, good, true}, plain, EX_DATAERR, "", "good.toml: "},
      {"certificate without fingerprint",
       {good, captures + "certs/ca.pem", true},
       plain,
       EX_DATAERR,
       "",
       "danegate: request 1: the request has no readable ccert_fingerprint"},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    std::istringstream in(row.input);
    std::ostringstream out;
    std::ostringstream err;
    CHECK(explain(row.options, in, out, err) == row.status);
    INFO(out.str() << err.str());
    CHECK(out.str().contains(row.out));
    CHECK(out.str().empty() == row.out.empty());
    CHECK(err.str().contains(row.err));
    CHECK(err.str().empty() == row.err.empty());
  }
}

} // namespace danegate::ctl
