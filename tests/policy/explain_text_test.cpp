// What people see of a verdict.
#include "tests/policy/decisions.h"

namespace danegate::policy {

namespace {

const std::string a64(64, 'a');
const std::string b64(64, 'b');

std::string ab(std::size_t octets) {
  std::string hex;
  for (std::size_t i = 0; i < octets; ++i)
    hex += "ab";
  return hex;
}

/// The lines of the text about an answer: what follows the owner name.
std::string answer_text(const core::Decision& made) {
  const auto text = explain_as_text(explanation(made));
  const auto from = text.find("      ");
  return text.substr(from, text.find("verdict:") - from);
}

} // namespace

TEST_CASE("A pass with everything", "[policy]") {
  CHECK(explain_as_text(explanation(decision())) ==
        "request:    1: RCPT, client 192.0.2.1, helo mta1.acme.example, sender ceo@acme.example, recipient "
        "b@example.net\n"
        "service:    smtp\n"
        "credential: certificate SHA-256 " +
            a64 + ", public key SHA-256 " + b64 +
            ", chain not trusted\n"
            "names:\n"
            "  _smtp-client.{helo} = _smtp-client.mta1.acme.example, identity mta1.acme.example\n"
            "      secure, ttl 300, 2 records, 1 malformed, by a wildcard below an underscore label, cached\n"
            "      1 0 1 " +
            ab(32) +
            "  unusable: wants the certificate\n"
            "      3 1 1 " +
            ab(32) +
            "  matches\n"
            "  _smtp-client.{subject}\n"
            "      no name: empty or unknown\n"
            "  _smtp-client.{client} = _smtp-client.host.example, identity host.example\n"
            "      not on the lookup list\n"
            "monitored:  rule watch would reject: policy (not-allowed), identity mta1.acme.example\n"
            "verdict:    pass (match), identity mta1.acme.example\n"
            "action:     tag, by rule acme\n"
            "reply:      DUNNO\n");
}

TEST_CASE("Each state of an answer", "[policy]") {
  using core::Reason;

  struct Row {
    const char* label;
    core::Decision made;
    std::string expected;
  };

  const core::MatchOutcome differs{
      core::MatchVerdict::mismatch, {}, {}, {{core::RecordVerdict::differs, "another key"}}};
  const std::vector<Row> rows{
      {"absent", decision_with(answer(core::Absent{}, 60), {}, Reason::no_record), "      absent, ttl 60\n"},
      {"insecure", decision_with(answer(core::Insecure{}, 61), {}, Reason::insecure), "      insecure, ttl 61\n"},
      {"bogus", decision_with(answer(core::Bogus{"signature \x1b[31mexpired"}, 62), {}, Reason::bogus),
       "      bogus: signature \\x1b[31mexpired\n"},
      {"failed",
       decision_with(answer(core::Failed{core::FailureKind::timeout, "no answer"}, 63), {}, Reason::dns_timeout),
       "      failed: no answer\n"},
      {"differs",
       decision_with(answer(core::Secure{{record(3, 0, 2, 64)}, 0, core::Wildcard::other}, 64), differs,
                     Reason::mismatch),
       "      secure, ttl 64, 1 record, by a wildcard that does not stand below an underscore label\n"
       "      3 0 2 " +
           ab(32) + "...  differs: another key\n"},
      {"too many records",
       decision_with(answer(core::Secure{{record(3, 1, 1, 32)}, 0, core::Wildcard::none}, 65), {}, Reason::overload),
       "      secure, ttl 65, 1 record\n      3 1 1 " + ab(32) + "  not judged\n"},
      {"not needed", decision_with(nullptr, {}, Reason::overload), "      not looked up\n"},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    CHECK(answer_text(row.made) == row.expected);
  }
}

TEST_CASE("A name made twice, and one asked for again", "[policy]") {
  auto made = decision_with(answer(core::Absent{}, 60), {}, core::Reason::no_record);
  made.names[0].requeried = true;
  CHECK(answer_text(made) == "      absent, ttl 60, asked again\n");
  made.names[0].duplicate = true;
  CHECK(answer_text(made) == "      the same name as above\n");
}

TEST_CASE("Each kind of credential", "[policy]") {
  struct Row {
    const char* label;
    core::Evidence evidence;
    std::string expected;
  };

  const auto certificate = *core::Digest::parse(a64);
  const auto key = *core::Digest::parse(b64);
  core::Evidence tls;
  tls.tls = true;
  auto raw = tls;
  raw.key_digest = key;
  auto trusted = tls;
  trusted.certificate_digest = certificate;
  trusted.chain_trusted = true;
  auto whole = trusted;
  whole.certificate = core::Certificate{};
  auto incomplete = tls;
  incomplete.complete = false;
  auto unreadable = raw;
  unreadable.defect = "ccert_fingerprint: \nbad";
  const std::vector<Row> rows{
      {"no TLS", {}, "no TLS"},
      {"none", tls, "none"},
      {"raw public key", raw, "raw public key SHA-256 " + b64},
      {"certificate", trusted, "certificate SHA-256 " + a64 + ", chain trusted"},
      {"whole certificate", whole, "certificate SHA-256 " + a64 + ", at hand, chain trusted"},
      {"incomplete", incomplete, "the mail server did not say what the client presented"},
      {"unreadable", unreadable, "unreadable: ccert_fingerprint: \\x0abad"},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    auto explained = explanation(decision());
    explained.evidence = row.evidence;
    CHECK(explain_as_text(explained).contains("credential: " + row.expected + "\n"));
  }
}

TEST_CASE("A request that gets no verdict, and a service that only watches", "[policy]") {
  auto explained = explanation(decision());
  explained.decision.reset();
  explained.number = 2;
  explained.state = "";
  explained.recipient = "";
  explained.helo = "caf\xc3\xa9\n";
  explained.service = "";
  explained.note = "there is no mail to judge";
  explained.evidence = {};
  CHECK(explain_as_text(explained) ==
        "\nrequest:    2: no protocol_state, client 192.0.2.1, helo caf\\xc3\\xa9\\x0a, sender "
        "ceo@acme.example, recipient <>\n"
        "service:    none\ncredential: no TLS\nnote:       there is no mail to judge\n"
        "reply:      DUNNO\n");
  auto made = decision();
  made.outcome.rule = nullptr;
  made.outcome.mode = core::Mode::monitor;
  CHECK(explain_as_text(explanation(made))
            .contains("action:     tag (monitor mode: only logged), by the service's default\n"));
  made.names.clear();
  made.outcome.name.reset();
  made.outcome.reason = core::Reason::no_tls;
  made.outcome.detail = "no encryption";
  made.monitored.clear();
  const auto text = explain_as_text(explanation(made));
  CHECK(text.contains("names:      none needed\n"));
  CHECK(text.contains("verdict:    none (no-tls): no encryption\n"));
}

} // namespace danegate::policy
