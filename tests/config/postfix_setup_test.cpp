// Postfix's configuration from what real Postfix 3.7 and 3.10 said about it (tests/data/postconf/record).
#include "daemon/config/postfix_setup.h"

#include "tests/support/catch.h"

#include <fstream>
#include <map>
#include <stdexcept>

namespace danegate::config {

namespace {

using Sections = std::map<std::string, std::string>;

Sections recorded(const std::string& version) {
  std::ifstream file(DANEGATE_TEST_DATA "/postconf/" + version + ".txt");
  if (!file) throw std::runtime_error("no recording of " + version);
  Sections sections;
  std::string* current = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("== "))
      current = &sections[line.substr(3)];
    else
      *current += line + '\n';
  }
  return sections;
}

RunPostconf answering(const Sections& sections) {
  return [&sections](const std::vector<std::string>& arguments) -> std::optional<std::string> {
    std::string question;
    for (const auto& argument : arguments)
      question += (question.empty() ? "" : " ") + argument;
    const auto found = sections.find(question);
    if (found == sections.end()) return std::nullopt;
    return found->second;
  };
}

} // namespace

TEST_CASE("Recorded setups are read, each entry with what is in force there", "[config]") {
  for (const auto* const version : {"3.7.11", "3.10.13"}) {
    INFO(version);
    const auto sections = recorded(version);
    const auto setup = read_postfix("/etc/postfix", answering(sections));
    REQUIRE(setup);
    std::vector<std::string> entries;
    for (const auto& service : setup->smtpd)
      entries.push_back(service.entry());
    REQUIRE(entries == std::vector<std::string>{"smtp/inet", "smtpd/pass", "[::1]:10025/inet", "submission/inet",
                                                "submissions/inet"});
    const auto& smtp = setup->smtpd[0];
    CHECK(smtp.value("smtpd_tls_fingerprint_digest") == "md5"); // by compatibility_level = 2
    CHECK(smtp.value("smtpd_client_restrictions") == "permit_sasl_authenticated, reject");
    CHECK(smtp.value("danegate").starts_with("check_policy_service { unix:danegate/policy, timeout=10s"));
    CHECK(smtp.value("no_such_parameter").empty());
    CHECK(smtp.port() == 25);
    CHECK_FALSE(smtp.chroot); // "-" at compatibility level 2
    CHECK(smtp.is_compatible_below(3, 6));
    CHECK(smtp.is_version(3, 2));
    CHECK_FALSE(smtp.is_version(3, 11));
    CHECK_FALSE(setup->smtpd[1].port());
    CHECK(setup->smtpd[2].value("smtpd_data_restrictions") ==
          std::string(smtp.value("smtpd_recipient_restrictions")) + ",permit");
    CHECK(setup->smtpd[2].port() == 10025);
    const auto& submission = setup->smtpd[3];
    CHECK(submission.port() == 587);
    CHECK(submission.chroot);
    CHECK(submission.value("smtpd_tls_fingerprint_digest") == "sha256");
    CHECK(submission.overrides.contains("smtpd_recipient_restrictions"));
    CHECK(submission.value("smtpd_recipient_restrictions").empty());
    CHECK(submission.value("smtpd_relay_restrictions").ends_with("policy_context=submission }, reject"));
    CHECK(setup->smtpd[4].port() == 465);
  }
}

TEST_CASE("A tool that fails once gives nothing", "[config]") {
  for (const auto& [question, answer] : recorded("3.7.11")) {
    INFO(question);
    auto sections = recorded("3.7.11");
    sections.erase(question);
    CHECK_FALSE(read_postfix("/etc/postfix", answering(sections)));
  }
}

TEST_CASE("master.cf: the chroot column and its default", "[config]") {
  struct Row {
    const char* label;
    const char* line;
    bool by_default;
    bool expected;
  };

  const std::vector<Row> rows{
      {"yes", "smtp inet n - y - - smtpd\n", false, true},
      {"no", "smtp inet n - n - - smtpd\n", true, false},
      {"default yes", "smtp inet n - - - - smtpd -v\n", true, true},
      {"default no", "smtp  inet\tn - - - - smtpd", false, false},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    const auto found = parse_master(row.line, row.by_default);
    REQUIRE(found.size() == 1);
    CHECK(found[0].chroot == row.expected);
    CHECK(found[0].entry() == "smtp/inet");
  }
  CHECK(parse_master("# smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\nshort line\n\n", true).empty());
}

TEST_CASE("The chroot default follows the compatibility level, and more entries than the bound are counted",
          "[config]") {
  struct Row {
    const char* main;
    bool chroot;
  };

  for (const auto& [main, chroot] : std::vector<Row>{{"compatibility_level = 0\n", true},
                                                     {"compatibility_level = 1\n", false},
                                                     {"compatibility_level = 3.6\n", false},
                                                     {"mail_version = 2.11.0\n", true}}) {
    INFO(main);
    const Sections sections{{"-x", main}, {"-M", "smtp inet n - - - - smtpd\n"}, {"-P", ""}};
    CHECK(read_postfix("/p", answering(sections))->smtpd[0].chroot == chroot);
  }
  Sections many{{"-x", ""}, {"-M", ""}, {"-P", ""}};
  for (std::size_t i = 0; i < max_smtpd + 3; ++i)
    many["-M"] += std::to_string(2000 + i) + " inet n - n - - smtpd\n";
  const auto setup = read_postfix("/p", answering(many));
  CHECK(setup->smtpd.size() == max_smtpd);
  CHECK(setup->left_out == 3);
}

TEST_CASE("Ports of entries", "[config]") {
  struct Row {
    const char* name;
    const char* type;
    std::optional<std::uint16_t> port;
  };

  const std::vector<Row> rows{
      {"smtp", "inet", 25},         {"submissions", "inet", 465},
      {"smtps", "inet", 465},       {"127.0.0.1:smtp", "inet", 25},
      {"[::1]:2525", "inet", 2525}, {"2525", "inet", 2525},
      {"smtpd", "pass", {}},        {"whatever", "inet", {}},
      {"99999", "inet", {}},        {"", "inet", {}},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    PostfixService service;
    service.name = row.name;
    service.type = row.type;
    CHECK(service.port() == row.port);
  }
}

} // namespace danegate::config
