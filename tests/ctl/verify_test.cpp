// `danegate verify` but for DNS: the evidence, the question, the report.
#include "daemon/ctl/shown_credential.h"
#include "daemon/ctl/verify.h"
#include "daemon/ctl/verify_question.h"
#include "daemon/ctl/verify_report.h"
#include "daemon/tls/certificate.h"
#include "tests/core/real_ports.h"
#include "tests/core/tlsa_vectors.h"
#include "tests/policy/decisions.h"

#include <nlohmann/json.hpp>

#include <sstream>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

using Json = nlohmann::json;
using policy::answer;

const std::string certificate_file = std::string(DANEGATE_TEST_DATA) + "/tlsa/ec.pem";

core::Decision judged(std::string_view about, const core::Evidence& evidence, core::TlsaOutcome outcome,
                      std::string_view service = {}) {
  const auto config = config::load_text("");
  auto asked = question_about(about, service, config->rules->services(), test::real_ports());
  INFO(about << (asked ? "" : asked.error()));
  REQUIRE(asked);
  asked->question.evidence = evidence;
  core::AuthFlow flow(asked->rules, std::move(asked->question), test::real_ports(), {});
  const auto needs = flow.take_needs();
  REQUIRE(needs.size() == 1);
  flow.answer(needs.front().id, answer(std::move(outcome), 300), false);
  REQUIRE(flow.done());
  return flow.take();
}

core::Secure published(const char* record) {
  return {{test::parse_record(record)}, 0, core::Wildcard::none};
}

std::string record_of(const std::string& credential, std::uint8_t selector, std::uint8_t matching) {
  for (const auto& vector : test::record_vectors())
    if (vector.tool == "openssl" && vector.credential == credential && vector.record.selector == selector &&
        vector.record.matching == matching)
      return "3 " + std::to_string(selector) + ' ' + std::to_string(matching) + ' ' + core::to_hex(vector.record.data);
  throw std::runtime_error("no vector");
}

core::Evidence digest(const std::string& text) {
  const auto evidence = evidence_of_digest(text);
  INFO(text);
  REQUIRE(evidence);
  return *evidence;
}

int run(VerifyOptions options, std::string* said) {
  std::ostringstream out;
  std::ostringstream err;
  const config::Folder folder;
  options.config_file = folder.write("danegate.toml", "");
  const int status = verify(options, Style(), out, err);
  CHECK(out.str().empty());
  *said = err.str();
  return status;
}

} // namespace

TEST_CASE("A certificate as each mail server shows it", "[ctl]") {
  const auto certificate = *tls::read_certificate(certificate_file);
  const auto postfix = evidence_of_certificate(certificate, Shown::postfix, tls::hash);
  CHECK(postfix.certificate_digest == test::digest_of("ec", "cert", "sha256"));
  CHECK(postfix.key_digest == test::digest_of("ec", "spki", "sha256"));
  CHECK_FALSE(postfix.certificate);
  const auto sendmail = evidence_of_certificate(certificate, Shown::sendmail, tls::hash);
  CHECK(sendmail.certificate_digest == postfix.certificate_digest);
  CHECK_FALSE(sendmail.key_digest);
  const auto raw = evidence_of_certificate(certificate, Shown::postfix_raw_key, tls::hash);
  CHECK(raw.is_raw_key());
  CHECK(raw.key_digest == evidence_of_key(certificate.spki_der, tls::hash).key_digest);
  CHECK(evidence_of_certificate(certificate, Shown::exim, tls::hash).certificate);
  CHECK(mail_server_named("sendmail") == Shown::sendmail);
  CHECK_FALSE(mail_server_named("postfix-raw-key"));
}

TEST_CASE("Which record a credential matches", "[ctl]") {
  const auto of_key = record_of("ec", 1, 1);
  const auto of_certificate = record_of("ec", 0, 1);
  const auto key_hex = core::to_hex(test::digest_of("ec", "spki", "sha256").bytes());
  const auto certificate_hex = core::to_hex(test::digest_of("ec", "cert", "sha256").bytes());

  struct Case {
    const char* label;
    core::Evidence evidence;
    std::string record;
    core::Reason reason;
  };

  using enum core::Reason;
  for (const auto& each : {
           Case{"a key's digest", digest("key:" + key_hex), of_key, match},
           {"not said of which", digest(key_hex), of_key, match},
           {"nor here", digest(certificate_hex), of_certificate, match},
           {"a key's, and the certificate is published", digest("key:" + key_hex), of_certificate, unusable},
           {"a certificate's, and the key is published", digest("cert:" + certificate_hex), of_key, unusable},
           {"another certificate", digest("cert:" + key_hex), of_certificate, mismatch},
       }) {
    INFO(each.label);
    const auto made = judged("mta1.acme.example", each.evidence, published(each.record.c_str()));
    CHECK(made.outcome.reason == each.reason);
    CHECK(made.service->name == "smtp");
  }
}

TEST_CASE("Digests that are none", "[ctl]") {
  for (const auto* const text : {"", "cert:", "sha256:00", "zz", "00ff", "key:cert:00"}) {
    INFO(text);
    REQUIRE_FALSE(evidence_of_digest(text));
    CHECK(evidence_of_digest(text).error().starts_with("--digest: expected"));
  }
}

TEST_CASE("An owner name, a device and an address are asked about as such", "[ctl]") {
  const auto evidence = test::fingerprints("ec", "sha256");
  const auto record = record_of("ec", 1, 1);
  for (const auto& [about, owner, service] :
       {std::tuple{"_other.mta1.acme.example", "_other.mta1.acme.example", ""},
        std::tuple{"x._device.acme.example", "_smtp-client.x._device.acme.example", "smtp"},
        std::tuple{"alice@acme.example",
                   "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db._submission-client.acme.example",
                   "submission"}}) {
    const auto made = judged(about, evidence, published(record.c_str()));
    CHECK(made.service->name == service);
    const auto* const name = made.name_of(made.outcome);
    REQUIRE(name);
    CHECK(name->name->owner.text() == owner);
    CHECK(made.outcome.reason == core::Reason::match);
  }
}

TEST_CASE("Names under which servers' keys are published are nobody's", "[ctl]") {
  const auto config = config::load_text("");
  auto asked = question_about("_25._tcp.mta1.acme.example", {}, config->rules->services(), test::real_ports());
  REQUIRE(asked);
  asked->question.evidence = test::fingerprints("ec", "sha256");
  core::AuthFlow flow(asked->rules, std::move(asked->question), test::real_ports(), {});
  REQUIRE(flow.done());
  CHECK(flow.take().outcome.reason == core::Reason::no_name);
}

TEST_CASE("Verify: exit codes", "[ctl]") {
  using enum core::Result;
  CHECK(exit_code(pass) == 0);
  CHECK(exit_code(fail) == 1);
  CHECK(exit_code(policy) == 1);
  CHECK(exit_code(none) == 2);
  CHECK(exit_code(temperror) == EX_TEMPFAIL);
  CHECK(exit_code(permerror) == EX_DATAERR);
}

TEST_CASE("Verify: what people see", "[ctl]") {
  const auto evidence = test::fingerprints("ec", "sha256");
  const auto record = record_of("ec", 1, 1);
  const VerifyReport good{"mta1.acme.example", judged("mta1.acme.example", evidence, published(record.c_str()))};
  const auto text = verify_as_text(good, Style());
  CHECK(text.starts_with("pass (match): a record matches the credential\nidentity:   mta1.acme.example\nnames:\n"));
  CHECK(text.contains("  matches\n"));
  CHECK(verify_as_text(good, Style::coloured()).starts_with("\x1b[32mpass (match)\x1b[0m: "));

  auto web = published(record.c_str());
  web.wildcard = core::Wildcard::other;
  const VerifyReport wildcard{"mta1.acme.example", judged("mta1.acme.example", evidence, web)};
  CHECK(verify_as_text(wildcard, Style()).starts_with("fail (unusable): made by a wildcard"));
  CHECK(verify_as_text(wildcard, Style()).contains("note:       a rule that names the identity in full"));
}

TEST_CASE("Verify: what programs see", "[ctl]") {
  const auto made =
      judged("mta1.acme.example", test::fingerprints("other", "sha256"), published(record_of("ec", 1, 1).c_str()));
  const auto object = Json::parse(verify_as_json({"mta1.acme.example", made}));
  CHECK(object["name"] == "mta1.acme.example");
  CHECK(object["service"] == "smtp");
  CHECK(object["result"] == "fail");
  CHECK(object["reason"] == "mismatch");
  CHECK(object["owner"] == "_smtp-client.mta1.acme.example");
  CHECK(object["dnssec"] == "secure");
  CHECK(object["identity"] == "");
  CHECK(object["note"] == "");
  CHECK(object["names"].size() == 3);
  CHECK(object["names"][0]["answer"]["records"][0]["matches"] == false);
}

TEST_CASE("What ends before DNS is asked", "[ctl]") {
  std::string said;
  VerifyOptions options;
  options.name = "localhost";
  options.digest = std::string(64, 'a');
  CHECK(run(options, &said) == EX_USAGE);
  CHECK(said.contains("a single label"));
  options.name = "mta1.acme.example";
  options.service = "imap";
  CHECK(run(options, &said) == EX_USAGE);
  CHECK(said.contains("there are: smtp, submission"));
  options.service.clear();
  options.digest = "00";
  CHECK(run(options, &said) == EX_DATAERR);
  options.certificate = "/nonexistent";
  CHECK(run(options, &said) == EX_DATAERR);
  CHECK(said == "danegate: /nonexistent: No such file or directory\n");
  options.certificate = certificate_file;
  options.shown_by = "qmail";
  CHECK(run(options, &said) == EX_USAGE);
  CHECK(said == "danegate: --as: expected postfix, sendmail or exim, found \"qmail\"\n");
}

} // namespace danegate::ctl
