#include "daemon/core/refusal.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <string>

using namespace danegate::core;

namespace {

Outcome outcome(Action action, Reason reason, const Rule* rule = nullptr) {
  Outcome made;
  made.action = action;
  made.reason = reason;
  made.rule = rule;
  return made;
}

} // namespace

TEST_CASE("refusal: codes by action and reason, the rule's text, the reference") {
  Rule rule;
  rule.text = "see https://mx.example.net/danegate";
  const Refusal rejected = refusal_of(outcome(Action::reject, Reason::bogus, &rule), "7K3QZ9AB");
  CHECK(rejected.code == "550");
  CHECK(rejected.enhanced == "5.7.1");
  CHECK(rejected.words == "see https://mx.example.net/danegate [ref 7K3QZ9AB]");
  CHECK(rejected.text() == "550 5.7.1 see https://mx.example.net/danegate [ref 7K3QZ9AB]");
  for (const ReasonInfo& info : reason_table) {
    INFO(info.token);
    const Refusal deferred = refusal_of(outcome(Action::defer, info.reason), "7K3QZ9AB");
    CHECK(deferred.text().starts_with(std::string(info.defer_code) + " This mail cannot be accepted at the moment"));
    CHECK(refusal_of(outcome(Action::reject, info.reason), "7K3QZ9AB").text().starts_with("550 5.7.1 "));
  }
}

TEST_CASE("refusal: one printable line within its bound, whatever the text; the reference survives") {
  Rule rule;
  rule.text = std::string(1000, 'x') + "\r\n\x80";
  for (const Action action : {Action::reject, Action::defer}) {
    const std::string text = refusal_of(outcome(action, Reason::mismatch, &rule), "7K3QZ9AB").text();
    CHECK(text.size() <= max_refusal);
    CHECK(text.ends_with("x [ref 7K3QZ9AB]"));
    CHECK(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }));
  }
  CHECK(hold_text("7K3QZ9AB") == "held by danegate [ref 7K3QZ9AB]");
}
