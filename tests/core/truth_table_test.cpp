// Every answer, with every kind of evidence, under every outcome that a rule can ask for.
#include "tests/core/truth_table.h"
#include "tests/support/catch.h"

#include <set>
#include <string>

using namespace danegate::core;
using namespace danegate::test;

namespace {

// 19 rows of records, 8 of them through wildcards again, 10 states without usable records; 10 kinds of evidence;
// 4 defaults, and 2 modes of 21 settings (permit is refused where anybody satisfies) in 6 namings.
constexpr std::size_t answers = 19 + 8 + 10;
constexpr std::size_t kinds_of_evidence = 10;
constexpr std::size_t kinds_of_rule = 4 + 2 * (6 * 21 - 1);
constexpr std::size_t combinations = answers * kinds_of_evidence * kinds_of_rule;

std::string describe(const Combination& c) {
  return c.state.label + " / " + c.evidence.label + " / " + c.kind.label;
}

std::string words(const Outcome& o) {
  std::string text(token(o.result()));
  return text.append(" ").append(token(o.reason)).append(" ").append(token(o.action)).append(" ").append(token(o.mode));
}

std::string expected_words(const Combination& c, const RuleKind* kind) {
  const ReasonRow& row = row_of(expected_reason(c.state, c.evidence, kind));
  const Action action = kind != nullptr ? kind->actions.at(row.branch) : c.kind.default_action;
  std::string text(row.result);
  text.append(" ").append(row.reason).append(" ").append(token(action)).append(" ");
  return text.append(kind != nullptr ? token(kind->mode) : "enforce");
}

/// Everything of one combination that differs from what is expected; empty if nothing does.
std::string difference(const Combination& c) {
  const Decision& d = c.run.decision;
  const bool enforced = c.kind.rule && c.kind.mode == Mode::enforce;
  const bool monitored = c.kind.rule && c.kind.mode == Mode::monitor;
  std::string text;
  const auto differs = [&text](const std::string& what, const std::string& is, const std::string& expected) {
    if (is != expected) text += what + " is '" + is + "', not '" + expected + "'; ";
  };
  differs("outcome", words(d.outcome), expected_words(c, enforced ? &c.kind : nullptr));
  differs("rule", d.outcome.rule != nullptr ? d.outcome.rule->name : "-", enforced ? "acme" : "-");
  differs("monitored", std::to_string(d.monitored.size()), monitored ? "1" : "0");
  for (const Outcome& o : d.monitored)
    differs("monitored outcome", words(o), expected_words(c, &c.kind));
  const bool asks = c.evidence.problem == nullptr && c.state.answer != nullptr;
  differs("lookups", std::to_string(c.run.asked.size()), asks ? "1" : "0");
  const bool authenticated = d.outcome.result() == Result::pass || d.outcome.result() == Result::policy;
  differs("identity", authenticated_identity(d, d.outcome), authenticated ? "mta1.acme.example" : "");
  return text;
}

/// The property that one outcome breaks, whatever the tables say; null if none.
const char* broken_property(const Combination& c, const Outcome& o) {
  const bool matches = c.evidence.column && !c.state.letters.empty() && c.state.letters.at(*c.evidence.column) == 'M';
  const bool asked = c.state.answer != nullptr && c.evidence.problem == nullptr;
  const std::string_view dns = c.state.answer != nullptr ? state_of(*c.state.answer) : "not asked";
  const Result result = o.result();
  const bool doubt = result == Result::temperror || result == Result::permerror;
  const bool enforced = c.kind.rule && c.kind.mode == Mode::enforce;
  if (result == Result::pass && !(matches && dns == "secure")) return "a pass without a secure record that matches";
  if (doubt && o.action == Action::permit) return "doubt that permits";
  if (o.action == Action::permit && result != Result::pass) return "a permit without a pass";
  if (o.action == Action::permit && &o == &c.run.decision.outcome && !enforced)
    return "a permit that no enforced rule gave";
  if (asked && (dns == "bogus" || dns == "failed") && !doubt) return "a DNS error that became something else";
  if (asked && dns == "secure" && result == Result::none) return "records that became none";
  return nullptr;
}

struct Sweep {
  std::size_t count = 0;
  std::size_t wrong = 0;
  std::size_t passes = 0;
  std::size_t doubts = 0;
  std::set<std::string> reasons;

  void complain(const Combination& c, const std::string& text) {
    if (++wrong <= 20) FAIL_CHECK(describe(c) << ": " << text);
  }

  void look(const Combination& c, const Outcome& o) {
    const Result result = o.result();
    passes += result == Result::pass ? 1U : 0U;
    doubts += result == Result::temperror || result == Result::permerror ? 1U : 0U;
    if (const char* property = broken_property(c, o)) complain(c, property);
  }

  void operator()(const Combination& c) {
    const Decision& d = c.run.decision;
    reasons.emplace(token(d.outcome.reason));
    look(c, d.outcome);
    for (const Outcome& o : d.monitored)
      look(c, o);
    if (const std::string text = difference(c); !text.empty()) complain(c, text);
  }
};

Sweep sweep(bool cached) {
  Sweep result;
  result.count = for_each_combination(cached, [&result](const Combination& c) { result(c); });
  return result;
}

} // namespace

TEST_CASE("truth table: every combination ends as the documents say, and every reason is reached") {
  const Sweep fresh = sweep(false);
  CHECK(fresh.wrong == 0);
  CHECK(fresh.count == combinations);
  CHECK(combinations == 93980);
  // The properties were put to a good many outcomes of either kind.
  CHECK(fresh.passes > 1000);
  CHECK(fresh.doubts > 1000);

  std::set<std::string> reasons;
  for (const ReasonRow& row : reason_rows)
    reasons.emplace(row.reason);
  CHECK(reasons.size() == reason_table.size());
  CHECK(fresh.reasons == reasons);
}

TEST_CASE("truth table: the same answers out of the cache, asked for again where they refuse, end the same") {
  const Sweep cached = sweep(true);
  CHECK(cached.wrong == 0);
  CHECK(cached.count == combinations);
}
