// `danegate check --live`: what is asked for, and what the answers say about the rules.
#include "daemon/ctl/live_plan.h"

#include "tests/config/config_files.h"

namespace danegate::ctl {

namespace {

using config::Folder;

const core::Ports ports{tls::hash, config::fake_to_ascii};
const std::string services = "[[service]]\nname = \"smtp\"\nports = [25]\n"
                             "names = [\"_smtp-client.{helo}\", \"_other.{subject}\"]\n"
                             "[[service]]\nname = \"submission\"\nports = [587]\n"
                             "names = [\"_submission-client.{subject}\"]\n";

core::DnsName name(const char* text) {
  return *core::DnsName::parse(text);
}

std::vector<std::string> texts(const std::vector<core::DnsName>& names) {
  std::vector<std::string> result;
  for (const auto& each : names)
    result.push_back(each.text());
  std::ranges::sort(result);
  return result;
}

core::AnswerPtr answer(core::TlsaOutcome outcome) {
  return std::make_shared<const core::TlsaAnswer>(core::TlsaAnswer{std::move(outcome), std::chrono::seconds(60)});
}

core::AnswerPtr secure(std::uint8_t usage, std::uint8_t selector, std::uint8_t matching) {
  return answer(
      core::Secure{{core::TlsaRecord{usage, selector, matching, core::Bytes(32, 1)}}, 0, core::Wildcard::none});
}

std::vector<std::string> ids(const std::vector<Finding>& findings) {
  std::vector<std::string> result;
  for (const auto& finding : findings)
    result.emplace_back(finding.id);
  return result;
}

} // namespace

TEST_CASE("Names that are asked for", "[ctl]") {
  const auto config =
      config::load_text(services + "[[rule]]\nname = \"a\"\nservices = [\"smtp\"]\n"
                                   "identities = [\"a.example\", \"*.below.example\", \"a@x.example\"]\n"
                                   "[[rule]]\nname = \"b\"\nsenders = [\"s.example\", \"<>\"]\n"
                                   "identities = [\"b.example\", \"{sender}\", \"a.example\"]\n");
  const auto plan = plan_lookups(*config, ports);
  CHECK(texts(plan.names()) == std::vector<std::string>{"_other.a.example", "_other.b.example",
                                                        "_smtp-client.a.example", "_smtp-client.b.example",
                                                        "_submission-client.a.example", "_submission-client.b.example",
                                                        "below.example", "s.example"});
  CHECK(plan.subjects.size() == 5); // no template of smtp makes an address; a.example is two rules' in other services
  CHECK(plan.in_files == 0);
}

TEST_CASE("Identity files are sampled, evenly", "[ctl]") {
  const Folder folder;
  std::string lines;
  for (int i = 0; i < 2500; ++i)
    lines += "h" + std::to_string(i) + ".example\n";
  const auto list = folder.write("list", lines);
  const auto file = folder.write(
      "danegate.toml", "[[rule]]\nname = \"a\"\nservices = [\"smtp\"]\nidentity-files = [\"" + list + "\"]\n");
  const auto config = config::load_good(file);
  const auto plan = plan_lookups(*config, ports);
  CHECK(plan.in_files == 2500);
  CHECK(plan.sampled == 834); // every third
  CHECK(plan.subjects.size() == 834);
  CHECK(plan.subjects.back().identity == "h2499.example");
  CHECK(ids(judge_answers(plan, {}, *config)) == std::vector<std::string>{"identities-sampled"});
}

TEST_CASE("What the answers say", "[ctl]") {
  const auto config = config::load_text(services + "[[rule]]\nname = \"a\"\nservices = [\"smtp\"]\n"
                                                   "identities = [\"a.example\", \"*.b.example\"]\n");
  const auto plan = plan_lookups(*config, ports);

  struct Row {
    const char* label;
    core::AnswerPtr first;
    core::AnswerPtr second;
    core::AnswerPtr zone;
    std::vector<std::string> expected;
  };

  const auto absent = answer(core::Absent{});
  const auto insecure = answer(core::Insecure{});
  const auto bogus = answer(core::Bogus{"bad signature"});
  const auto failed = answer(core::Failed{core::FailureKind::timeout, "nobody answered"});
  const std::vector<Row> rows{
      {"one name is enough", absent, secure(3, 1, 1), absent, {}},
      {"none", absent, absent, absent, {"identity-no-record"}},
      {"no record that can be judged", secure(2, 0, 1), absent, absent, {"identity-unusable"}},
      {"unsigned", insecure, insecure, absent, {"identity-insecure"}},
      {"broken", bogus, bogus, absent, {"identity-bogus"}},
      {"silent", failed, failed, failed, {"identity-unresolved"}},
      {"the better answer counts", bogus, insecure, absent, {"identity-insecure"}},
      {"the zone below is unsigned", secure(3, 1, 1), absent, insecure, {"domain-insecure"}},
      {"the zone below is broken", secure(3, 1, 1), absent, bogus, {"domain-bogus"}},
      {"not asked", nullptr, nullptr, nullptr, {}},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    LiveAnswers answers;
    if (row.first) answers.emplace(name("_smtp-client.a.example"), row.first);
    if (row.second) answers.emplace(name("_other.a.example"), row.second);
    if (row.zone) answers.emplace(name("b.example"), row.zone);
    const auto found = judge_answers(plan, answers, *config);
    CHECK(ids(found) == row.expected);
    for (const auto& finding : found) {
      CHECK(finding.place.line == 10);
      CHECK(finding.severity == Severity::warning);
      CHECK(finding.message.starts_with("rule \"a\": "));
    }
  }
}

} // namespace danegate::ctl
