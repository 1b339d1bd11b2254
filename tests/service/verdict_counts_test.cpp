#include "daemon/service/verdict_counts.h"
#include "daemon/service/verdict_log.h"
#include "tests/service/captured_log.h"
#include "tests/support/catch.h"

#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace danegate;
using namespace std::chrono_literals;
using core::Action;
using core::Mode;
using core::Reason;
using service::DurationHistogram;
using service::VerdictCounts;

namespace {

core::Rule rule_named(const std::string& name) {
  core::Rule rule;
  rule.name = name;
  return rule;
}

core::Service service_named(const std::string& name) {
  core::Service service;
  service.name = name;
  return service;
}

core::Decision decision_of(const core::Service& service, const core::Rule* rule, Action action, Reason reason) {
  core::Decision decision;
  decision.service = &service;
  decision.outcome.rule = rule;
  decision.outcome.action = action;
  decision.outcome.reason = reason;
  return decision;
}

/// "service rule mode action reason" -> count
std::map<std::string, std::uint64_t> all_of(const VerdictCounts& counts) {
  std::map<std::string, std::uint64_t> all;
  for (const auto& each : counts.snapshot().series) {
    std::string key = each.names->service + "/" + each.names->rule;
    for (const auto word : {core::token(each.mode), core::token(each.action), core::token(each.reason)})
      key.append(" ").append(word);
    all[key] += each.count;
  }
  return all;
}

core::RuleSet rule_set(const std::string& service, const std::vector<std::string>& names) {
  std::vector<core::Rule> rules;
  for (const auto& name : names)
    rules.push_back(rule_named(name));
  return {{service_named(service)}, std::move(rules), {}, false};
}

} // namespace

TEST_CASE("every outcome of a decision has its series, the decision one duration") {
  VerdictCounts counts;
  const core::Service smtp = service_named("smtp");
  const core::Rule acme = rule_named("acme");
  const core::Rule trial = rule_named("trial");
  core::Decision decision = decision_of(smtp, &acme, Action::reject, Reason::mismatch);
  counts.note(decision, 3ms);
  counts.note(decision, 300us);
  core::Outcome monitored;
  monitored.rule = &trial;
  monitored.mode = Mode::monitor;
  monitored.action = Action::hold;
  monitored.reason = Reason::no_tls;
  decision.monitored.push_back(monitored);
  core::Outcome other = decision.outcome;
  other.reason = Reason::match;
  other.action = Action::tag;
  decision.others.push_back(other);
  counts.note(decision, 8s);
  counts.note(decision_of(smtp, nullptr, Action::tag, Reason::no_tls), 0us);

  CHECK(all_of(counts) == std::map<std::string, std::uint64_t>{{"smtp/acme enforce reject mismatch", 3},
                                                               {"smtp/acme enforce tag match", 1},
                                                               {"smtp/trial monitor hold no-tls", 1},
                                                               {"smtp/ enforce tag no-tls", 1}});
  const auto durations = counts.snapshot().durations;
  std::uint64_t sum = 0;
  for (const auto each : durations.counts())
    sum += each;
  CHECK(sum == 4);
  CHECK(durations.sum() == 8003300us);
}

TEST_CASE("a service and a rule of swapped names are two") {
  VerdictCounts counts;
  const core::Service a = service_named("a");
  const core::Service b = service_named("b");
  const core::Rule rule_a = rule_named("a");
  const core::Rule rule_b = rule_named("b");
  counts.note(decision_of(a, &rule_b, Action::tag, Reason::match), 1ms);
  counts.note(decision_of(b, &rule_a, Action::tag, Reason::match), 1ms);
  counts.note(decision_of(a, &rule_b, Action::tag, Reason::match), 1ms);
  CHECK(all_of(counts) ==
        std::map<std::string, std::uint64_t>{{"a/b enforce tag match", 2}, {"b/a enforce tag match", 1}});
}

TEST_CASE("a series outlives its rule set, and goes on with a rule of the same name") {
  VerdictCounts counts;
  for (int round = 0; round < 3; ++round) {
    const core::Service smtp = service_named("smtp");
    const core::Rule acme = rule_named("acme");
    counts.note(decision_of(smtp, &acme, Action::tag, Reason::match), 1ms);
    counts.tidy(rule_set("smtp", {"other"}));
  }
  CHECK(all_of(counts) == std::map<std::string, std::uint64_t>{{"smtp/acme enforce tag match", 3}});
}

TEST_CASE("past max_pairs a reload drops what the new configuration does not know, and nothing else") {
  VerdictCounts counts;
  const core::Service smtp = service_named("smtp");
  for (std::size_t i = 0; i < VerdictCounts::max_pairs; ++i) {
    const core::Rule rule = rule_named("r" + std::to_string(i));
    counts.note(decision_of(smtp, &rule, Action::tag, Reason::match), 1ms);
  }
  const core::RuleSet next = rule_set("smtp", {"r7", "new"});
  counts.tidy(next);
  CHECK(counts.snapshot().series.size() == VerdictCounts::max_pairs);
  counts.note(decision_of(smtp, nullptr, Action::tag, Reason::no_tls), 1ms);
  counts.tidy(next);
  CHECK(all_of(counts) ==
        std::map<std::string, std::uint64_t>{{"smtp/r7 enforce tag match", 1}, {"smtp/ enforce tag no-tls", 1}});
}

TEST_CASE("counting from several threads loses nothing") {
  VerdictCounts counts;
  const core::Service smtp = service_named("smtp");
  constexpr std::uint64_t each = 2000;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const core::Rule rule = rule_named("acme");
      for (std::uint64_t n = 0; n < each; ++n)
        counts.note(decision_of(smtp, &rule, Action::tag, Reason::match), 1ms);
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(all_of(counts) == std::map<std::string, std::uint64_t>{{"smtp/acme enforce tag match", 4 * each}});
}

TEST_CASE("what is logged is counted, whatever the level") {
  service::CapturedLog captured;
  VerdictCounts counts;
  const core::Service smtp = service_named("smtp");
  const auto decision = decision_of(smtp, nullptr, Action::tag, Reason::no_tls);
  service::VerdictContext context;
  context.elapsed = 2500us;
  service::record_decision(captured.log, &counts, decision, context);
  CHECK(captured.lines().size() == 1);
  CHECK(captured.lines()[0].ends_with(" ms=2"));
  captured.log.reconfigure({.level = config::LogLevel::error});
  service::record_decision(captured.log, &counts, decision, context);
  CHECK(captured.lines().size() == 1);
  CHECK(all_of(counts) == std::map<std::string, std::uint64_t>{{"smtp/ enforce tag no-tls", 2}});
  service::record_decision(captured.log, nullptr, decision, context);
  CHECK(all_of(counts).at("smtp/ enforce tag no-tls") == 2);
}

TEST_CASE("a histogram's bounds belong to the range below them") {
  struct Row {
    DurationHistogram::Duration took;
    std::size_t range;
  };

  for (const auto& [took, range] : std::vector<Row>{
           {0us, 0}, {500us, 0}, {501us, 1}, {1ms, 1}, {8s, 13}, {10s, 13}, {10000001us, 14}, {1h, 14}, {-1us, 0}}) {
    DurationHistogram histogram;
    histogram.note(took);
    INFO(took.count());
    CHECK(histogram.counts().at(range) == 1);
    CHECK(histogram.sum() == std::max(took, 0us));
  }
}
