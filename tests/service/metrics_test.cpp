// The text of /metrics, and that documentation, dashboard and alert rules speak of metrics that there are.
#include "daemon/service/metric_table.h"
#include "daemon/service/metrics.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace danegate;
using namespace std::chrono_literals;
using service::Measurements;
using service::metric_table;
using service::MetricType;

namespace {

const std::string packaging = std::string(DANEGATE_TEST_DATA) + "/../../packaging/";

std::string read(const std::string& file) {
  std::ifstream stream(file);
  REQUIRE(stream);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

bool contains(const std::vector<std::string>& lines, const std::string& line) {
  return std::ranges::find(lines, line) != lines.end();
}

/// Words that begin with danegate_, as metrics are called.
std::set<std::string> metrics_in(const std::string& text) {
  std::set<std::string> names;
  for (std::size_t at = text.find("danegate_"); at != std::string::npos; at = text.find("danegate_", at + 1)) {
    std::size_t end = at;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_'))
      ++end;
    names.insert(text.substr(at, end - at));
  }
  return names;
}

std::set<std::string> metrics_that_are() {
  std::set<std::string> names;
  for (const auto& info : metric_table) {
    names.emplace(info.name);
    if (info.type != MetricType::histogram) continue;
    for (const auto* const part : {"_bucket", "_sum", "_count"})
      names.insert(std::string(info.name) + part);
  }
  return names;
}

} // namespace

TEST_CASE("every metric of the table has its help and type, whatever there is to tell") {
  const auto lines = lines_of(service::exposition(Measurements{}));
  for (const auto& info : metric_table) {
    INFO(info.name);
    CHECK(contains(lines, "# HELP " + std::string(info.name) + " " + std::string(info.help)));
    CHECK(contains(lines, "# TYPE " + std::string(info.name) + " " + std::string(token(info.type))));
  }
}

TEST_CASE("names follow Prometheus' habits") {
  std::set<std::string_view> names;
  for (const auto& info : metric_table) {
    INFO(info.name);
    CHECK(names.insert(info.name).second);
    CHECK(info.name.starts_with("danegate_"));
    CHECK(info.name.ends_with("_total") == (info.type == MetricType::counter));
    CHECK((info.type != MetricType::histogram || info.name.ends_with("_seconds")));
    CHECK(std::ranges::none_of(info.help, [](char c) { return c == '\n' || c == '\\' || c == '|'; }));
  }
}

TEST_CASE("measurements become samples") {
  Measurements now;
  service::VerdictCounts counts;
  core::Service smtp;
  smtp.name = "smtp";
  core::Rule acme;
  acme.name = "acme";
  core::Decision decision;
  decision.service = &smtp;
  decision.outcome.rule = &acme;
  decision.outcome.action = core::Action::defer;
  decision.outcome.reason = core::Reason::dns_timeout;
  counts.note(decision, 4001ms);
  counts.note(decision, 700us);
  now.verdicts = counts.snapshot();
  now.lookups.outcomes.at(4) = 3;
  now.lookups.durations.note(4s);
  now.lookups.cache_hits = 11;
  now.lookups.cache_misses = 12;
  now.client_lookups = 1;
  now.requeries = 2;
  now.roster_lookups = 5;
  now.cache_entries = 6;
  now.roster = {.secure = 7, .absent = 8, .insecure = 9, .unresolved = 10};
  now.held_off = 13;
  now.policy_connections = 14;
  now.milter_connections = 15;
  now.milter_messages = 16;
  now.overloads.at(service::index_of(service::Bound::requeries)) = 17;
  now.reloads = {.applied = 18, .failed = 19, .failing = true};
  now.log_lines_dropped = 20;
  now.started = std::chrono::sys_seconds(1790000000s);
  now.signatures_end = std::chrono::sys_seconds(1790086400s);
  const auto lines = lines_of(service::exposition(now));
  for (const std::string line :
       {R"(danegate_verdicts_total{service="smtp",rule="acme",mode="enforce",action="defer",result="temperror",)"
        R"(reason="dns-timeout"} 2)",
        R"(danegate_verdict_duration_seconds_count 2)",
        R"(danegate_verdict_duration_seconds_sum 4.0017)",
        R"(danegate_verdict_duration_seconds_bucket{le="0.0005"} 0)",
        R"(danegate_verdict_duration_seconds_bucket{le="0.001"} 1)",
        R"(danegate_verdict_duration_seconds_bucket{le="2.5"} 1)",
        R"(danegate_verdict_duration_seconds_bucket{le="5"} 2)",
        R"(danegate_verdict_duration_seconds_bucket{le="+Inf"} 2)",
        R"(danegate_lookups_total{outcome="timeout"} 3)",
        R"(danegate_lookups_total{outcome="secure"} 0)",
        R"(danegate_lookup_duration_seconds_count 1)",
        R"(danegate_lookups_in_flight{kind="client"} 1)",
        R"(danegate_lookups_in_flight{kind="requery"} 2)",
        R"(danegate_lookups_in_flight{kind="roster"} 5)",
        R"(danegate_cache_entries 6)",
        R"(danegate_cache_hits_total 11)",
        R"(danegate_cache_misses_total 12)",
        R"(danegate_roster_names{state="secure"} 7)",
        R"(danegate_roster_names{state="absent"} 8)",
        R"(danegate_roster_names{state="insecure"} 9)",
        R"(danegate_roster_names{state="unresolved"} 10)",
        R"(danegate_held_off_domains 13)",
        R"(danegate_policy_connections 14)",
        R"(danegate_milter_connections 15)",
        R"(danegate_milter_messages 16)",
        R"(danegate_overload_total{limit="limits.requeries"} 17)",
        R"(danegate_overload_total{limit="limits.lookups"} 0)",
        R"(danegate_reloads_total{outcome="ok"} 18)",
        R"(danegate_reloads_total{outcome="failed"} 19)",
        R"(danegate_reload_failing 1)",
        R"(danegate_log_lines_dropped_total 20)",
        R"(danegate_start_time_seconds 1790000000)",
        R"(danegate_roster_signatures_end_timestamp_seconds 1790086400)"}) {
    INFO(line);
    CHECK(contains(lines, line));
  }
  CHECK(std::ranges::any_of(lines, [](const auto& line) {
    return line.starts_with("danegate_build_info{version=\"" DANEGATE_VERSION "\",");
  }));
}

TEST_CASE("without signatures nothing is said of their end") {
  const auto lines = lines_of(service::exposition(Measurements{}));
  CHECK(std::ranges::none_of(
      lines, [](const auto& line) { return line.starts_with("danegate_roster_signatures_end_timestamp_seconds"); }));
}

TEST_CASE("METRICS.md: its table is the program's") {
  std::vector<std::string> expected;
  for (const auto& info : metric_table) {
    std::string labels;
    for (const char c : info.labels)
      labels += c == ',' ? std::string("`, `") : std::string(1, c);
    expected.push_back("| `" + std::string(info.name) + "` | " + std::string(token(info.type)) + " | " +
                       (labels.empty() ? "" : "`" + labels + "`") + " | " + std::string(info.help) + " |");
  }
  std::vector<std::string> found;
  for (const auto& line : lines_of(read(packaging + "prometheus/METRICS.md")))
    if (line.starts_with("| `danegate_")) found.push_back(line);
  CHECK(found == expected);
}

TEST_CASE("dashboard and alert rules name metrics that there are, and METRICS.md no others") {
  const auto known = metrics_that_are();
  for (const auto* const file : {"grafana/danegate.json", "prometheus/danegate.rules.yml", "prometheus/METRICS.md"}) {
    const auto named = metrics_in(read(packaging + file));
    CHECK(named.size() > 5);
    for (const auto& name : named) {
      INFO(file << ": " << name);
      CHECK(known.contains(name));
    }
  }
}

TEST_CASE("words of labels in METRICS.md are those of the program's enums") {
  const std::string text = read(packaging + "prometheus/METRICS.md");
  for (const auto word : service::lookup_outcome_tokens)
    CHECK(text.find("`" + std::string(word) + "`") != std::string::npos);
}
