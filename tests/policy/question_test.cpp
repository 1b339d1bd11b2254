#include "policy/question.h"
#include "tests/policy/builders.h"
#include "tests/support/catch.h"

#include <fstream>
#include <iterator>

using namespace danegate;
using namespace danegate::policy;
using test::Attributes;
using test::attributes;
using test::wire;

namespace {

struct Asked {
  explicit Asked(const Attributes& all) : Asked(wire(all)) {}

  explicit Asked(std::string on_the_wire) : text(std::move(on_the_wire)), request(Request::parse(text).value()) {}

  std::string text;
  Request request;
};

/// For what does not look at the service, which goes with its configuration.
core::Question question_of(const Attributes& all) {
  const auto config = test::policy_config();
  const Asked asked{all};
  return make_question(asked.request, *config, config->rules->services().front(), recipient_of(asked.request),
                       test::fake_to_ascii);
}

std::string hex_of(const std::optional<core::Digest>& digest) {
  return digest ? core::to_hex(digest->bytes()) : std::string{};
}

std::string captured(const std::string& file) {
  std::ifstream in{std::string{DANEGATE_TEST_DATA "/captures/"} + file, std::ios::binary};
  REQUIRE(in);
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  RequestScanner scanner{65536};
  const auto length = scanner.scan(text);
  REQUIRE((length && *length));
  text.resize(**length);
  return text;
}

} // namespace

TEST_CASE("question: what Postfix 3.7 and 3.10 really sent, with digests as openssl says") {
  struct Row {
    const char* capture;
    bool tls;
    std::string_view certificate; ///< openssl x509 -fingerprint -sha256
    std::string_view key;         ///< openssl x509 -pubkey | openssl pkey -pubin -outform DER | sha256sum
    bool trusted;
    std::string_view subject;
  };

  static constexpr std::string_view self_cert = "3e98043f72b5ab218f3f90816f6ca8849a931647bd487adfc56540f24f8ca1c4";
  static constexpr std::string_view self_key = "dd4833e3de8b69cb476777cb8fd38db531fc6577a2a7ae23c1d1f7e7e2baa43f";
  static constexpr std::string_view ca_cert = "8dd15012cf51c9bffa575d4f7d2df79afcd4fec578e7d214e839fbceedab1b48";
  static constexpr std::string_view ca_key = "f8badeac49dac4dfa11a6e9714bc95bee55929ad3ff0c591e6e7bc6441713da9";
  static constexpr std::string_view san_cert = "e8aaf5858f9fc98344e4aa10b3dc665562cab337cbf952c4843ebfceab335e34";
  static constexpr std::string_view san_key = "4481c700211a0bd9a2577cc46810da582523ca85434086bf803ee80315b58967";
  static constexpr std::string_view utf_cert = "ae81f7d7f9689eb98e7732ec5d6ba8aa6cd6aecda2a1db8a75f7e4860224537a";
  static constexpr std::string_view utf_key = "52a8eb60dfb19376137383a11ec795c996f18227d854ce6f83095ab724630e60";
  static constexpr Row rows[]{
      {"plain", false, "", "", false, ""},
      {"tls-no-cert", true, "", "", false, ""},
      {"self-signed", true, self_cert, self_key, false, ""},
      {"null-sender", true, self_cert, self_key, false, ""},
      {"ca-trusted", true, ca_cert, ca_key, true, "mta2.partner.example"},
      {"ca-trusted-san-only", true, san_cert, san_key, true, ""},
      {"ca-trusted-utf8-cn", true, utf_cert, utf_key, true, "Zo\xC3\xAB (cli) + host.example.org"},
      {"raw-public-key", true, "", self_key, false, ""},
  };
  for (const char* const release : {"postfix-3.7.11", "postfix-3.10.13"}) {
    for (const Row& row : rows) {
      if (std::string_view{release} == "postfix-3.7.11" && std::string_view{row.capture} == "raw-public-key") {
        continue; // Postfix before 3.9 has none
      }
      INFO(release << ' ' << row.capture);
      const Asked asked{captured(std::string{release} + "/" + row.capture + ".policy")};
      const core::Evidence evidence = evidence_of(asked.request);
      const core::Claims claims = claims_of(asked.request, std::nullopt, nullptr);
      CHECK(evidence.tls == row.tls);
      CHECK(evidence.complete);
      CHECK(evidence.defect.empty());
      CHECK(hex_of(evidence.certificate_digest) == row.certificate);
      CHECK(hex_of(evidence.key_digest) == row.key);
      CHECK(evidence.chain_trusted == row.trusted);
      CHECK(evidence.is_raw_key() == (row.key == self_key && row.certificate.empty()));
      CHECK(claims.subject == row.subject);
      CHECK(claims.helo == "mta1.partner.example");
      CHECK(claims.sender.is_null() == (std::string_view{row.capture} == "null-sender"));
    }
  }
}

TEST_CASE("question: evidence that is missing, empty or unreadable") {
  using core::Reason;

  struct Row {
    const char* label;
    Attributes attributes;
    std::optional<Reason> problem;
    std::string_view detail;
  };

  const std::string md5 = "0C:F1:80:24:4D:30:5D:4A:0C:7B:92:0E:46:C7:8A:2E";
  const std::string exim = "5AC531111CF1F39655189204360A8A214E0BD1F8F2A7B8A1BB6D29B627CB4E6C";
  const std::vector<Row> rows{
      {"all there", attributes(), std::nullopt, ""},
      {"no TLS", attributes({{"encryption_protocol", ""}, {"ccert_fingerprint", ""}, {"ccert_pubkey_fingerprint", ""}}),
       Reason::no_tls, ""},
      {"no TLS, built without",
       attributes({{"encryption_protocol", "-"}, {"ccert_fingerprint", "-"}, {"ccert_pubkey_fingerprint", "-"}}),
       Reason::no_tls, ""},
      {"nothing presented", attributes({{"ccert_fingerprint", ""}, {"ccert_pubkey_fingerprint", ""}}),
       Reason::no_certificate, ""},
      {"nobody told us", attributes({{"ccert_fingerprint", "-"}, {"ccert_pubkey_fingerprint", "-"}}),
       Reason::no_evidence, ""},
      {"Postfix before 2.9: no key digest", attributes({{"ccert_pubkey_fingerprint", "-"}}), std::nullopt, ""},
      {"Postfix before 2.9: nothing presented",
       attributes({{"ccert_fingerprint", ""}, {"ccert_pubkey_fingerprint", "-"}}), Reason::no_certificate, ""},
      {"Postfix before 2.3: no word on encryption", attributes({{"encryption_protocol", "-"}}), std::nullopt, ""},
      {"raw public key", attributes({{"ccert_fingerprint", ""}}), std::nullopt, ""},
      {"not hexadecimal", attributes({{"ccert_fingerprint", "hello"}}), Reason::bad_evidence, "ccert_fingerprint"},
      {"a key digest that is not one", attributes({{"ccert_pubkey_fingerprint", "3E:98"}}), Reason::bad_evidence,
       "ccert_pubkey_fingerprint"},
      {"two algorithms", attributes({{"ccert_pubkey_fingerprint", md5}}), Reason::bad_evidence, "algorithm"},
      {"MD5", attributes({{"ccert_fingerprint", md5}, {"ccert_pubkey_fingerprint", md5}}), Reason::weak_digest, "MD5"},
      {"Exim's constant", attributes({{"ccert_fingerprint", exim}, {"ccert_pubkey_fingerprint", "-"}}),
       Reason::bad_evidence, "constant"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    const auto problem = core::find_problem(question_of(row.attributes).evidence);
    CHECK((problem ? std::optional{problem->reason} : std::nullopt) == row.problem);
    if (problem) CHECK(core::ascii_lower(problem->detail).contains(core::ascii_lower(row.detail)));
  }
}

TEST_CASE("question: claims") {
  const core::Question question = question_of(attributes(
      {{"ccert_subject", "B+C3+BCcher.example"}, {"sasl_username", "alice"}, {"sender", "acme.example!ceo"}}));
  CHECK(question.claims.helo == "mta1.acme.example");
  CHECK(question.claims.client == "mta1.acme.example");
  CHECK(question.claims.subject == "B\xC3\xBC"
                                   "cher.example");
  CHECK(question.claims.sasl == "alice");
  CHECK(question.claims.sender.text() == "ceo@acme.example");
  CHECK(question.envelope.sender.text() == "ceo@acme.example");
  REQUIRE(question.envelope.recipient);
  CHECK(question.envelope.recipient->text() == "b@example.net");
  REQUIRE(question.envelope.client);
  CHECK(question.envelope.client->text() == "192.0.2.1");
}

TEST_CASE("question: the service is that of the configuration") {
  const auto config = test::policy_config();
  const Asked asked{attributes()};
  const core::Service& chosen = config->rules->services().back();
  CHECK(make_question(asked.request, *config, chosen, std::nullopt, nullptr).service == &chosen);
}

TEST_CASE("question: claims that are no claims") {
  const core::Question question = question_of(attributes({{"client_name", "unknown"},
                                                          {"helo_name", "unknown"},
                                                          {"client_address", "unknown"},
                                                          {"ccert_subject", "mta1+zz.acme.example"},
                                                          {"sender", "ceo"},
                                                          {"recipient", ""}}));
  CHECK(question.claims.helo.empty());
  CHECK(question.claims.client.empty());
  CHECK(question.claims.subject.empty());
  CHECK(question.evidence.defect.empty());
  CHECK(question.claims.sender.text() == "ceo@example.net"); // server.origin
  CHECK_FALSE(question.envelope.client);
  CHECK_FALSE(question.envelope.recipient);
}

TEST_CASE("question: who is logged in") {
  struct Row {
    std::string_view method;
    std::string_view user;
    bool logged_in;
  };

  static constexpr Row rows[]{
      {"", "", false}, {"-", "-", false}, {"PLAIN", "alice", true}, {"", "alice", true}, {"EXTERNAL", "", true}};
  for (const Row& row : rows) {
    INFO(row.method << '/' << row.user);
    CHECK(question_of(attributes({{"sasl_method", row.method}, {"sasl_username", row.user}})).envelope.logged_in ==
          row.logged_in);
  }
}

TEST_CASE("question: client addresses in every form that Postfix has") {
  struct Row {
    std::string_view sent;
    std::string_view read;
  };

  static constexpr Row rows[]{{"192.0.2.1", "192.0.2.1"},
                              {"2001:db8::1", "2001:db8::1"},
                              {"IPv6:2001:db8::1", "2001:db8::1"},
                              {"::ffff:192.0.2.1", "192.0.2.1"},
                              {"unknown", ""},
                              {"", ""},
                              {"192.0.2.1 ", ""}};
  for (const Row& row : rows) {
    INFO(row.sent);
    const auto client = question_of(attributes({{"client_address", row.sent}})).envelope.client;
    CHECK((client ? client->text() : "") == row.read);
  }
}

TEST_CASE("question: the recipient that a request names") {
  struct Row {
    std::string_view state;
    std::string_view recipient;
    std::optional<std::string_view> named;
  };

  static constexpr Row rows[]{{"RCPT", "b@example.net", "b@example.net"},
                              {"RCPT", "", std::nullopt},
                              {"RCPT", "-", std::nullopt},
                              {"DATA", "b@example.net", "b@example.net"},
                              {"DATA", "", std::nullopt},
                              {"MAIL", "b@example.net", std::nullopt},
                              {"END-OF-MESSAGE", "b@example.net", "b@example.net"}};
  for (const Row& row : rows) {
    INFO(row.state << ' ' << row.recipient);
    const Asked asked{attributes({{"protocol_state", row.state}, {"recipient", row.recipient}})};
    CHECK(recipient_of(asked.request) == row.named);
  }
}

TEST_CASE("question: the service that is asked") {
  struct Row {
    const char* label;
    std::string_view context;
    std::string_view port;
    std::string_view service;
    bool unknown_context;
  };

  static constexpr Row rows[]{
      {"by port", "", "25", "smtp", false},
      {"by another port", "", "587", "submission", false},
      {"by context", "submission", "25", "submission", false},
      {"by context, no port", "smtp", "-", "smtp", false},
      {"context missing", "-", "465", "submission", false},
      {"unknown context", "smpt", "25", "smtp", true},
      {"unknown context and port", "smpt", "10025", "", true},
      {"context is a name, whole and exact", "SMTP", "10025", "", true},
      {"unknown port", "", "10025", "", false},
      {"neither", "-", "-", "", false},
      {"port is no number", "", "25x", "", false},
      {"port is out of range", "", "65561", "", false}, // 25 + 65536
      {"port is negative", "", "-25", "", false},
      {"port is huge", "", "99999999999999999999", "", false},
  };
  const auto config = test::policy_config();
  for (const Row& row : rows) {
    INFO(row.label);
    const Asked asked{attributes({{"policy_context", row.context}, {"server_port", row.port}})};
    const ServiceChoice choice = choose_service(asked.request, *config->rules);
    CHECK((choice.service != nullptr ? choice.service->name : "") == row.service);
    CHECK(choice.unknown_context == row.unknown_context);
  }
}
