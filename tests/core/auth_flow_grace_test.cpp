// `dns.grace` in a verdict: the last secure answer lets pass, and refuses nobody.
#include "daemon/core/auth_results_field.h"
#include "tests/core/acme_scene.h"
#include "tests/support/catch.h"

using namespace danegate::core;
using namespace danegate::test;

namespace {

Decision judged(const AnswerPtr& answer, const AnswerPtr& last, bool cached = false) {
  auto flow = acme_scene().flow();
  const auto needs = flow.take_needs();
  REQUIRE(needs.size() == 1);
  flow.answer(needs[0].id, answer, cached, last);
  REQUIRE(flow.done());
  return flow.take();
}

} // namespace

TEST_CASE("flow: while the zone is out of reach the last secure answer lets its key pass, and says so") {
  for (const auto kind : {FailureKind::timeout, FailureKind::server_failure})
    for (const bool cached : {false, true}) {
      const auto decision = judged(failed(kind), matching(), cached);
      CHECK(words(decision.outcome) == "pass match tag");
      CHECK(served_by_grace(decision, decision.outcome));
      CHECK(auth_results_value(decision, decision.outcome, "mx.example.net").ends_with(" policy.dane-grace=yes"));
    }
}

TEST_CASE("flow: the last secure answer refuses nobody: the failure stands") {
  for (const AnswerPtr& last : {differing(), not_usable()}) {
    const auto decision = judged(failed(FailureKind::timeout), last);
    CHECK(words(decision.outcome) == "temperror dns-timeout defer");
    CHECK_FALSE(served_by_grace(decision, decision.outcome));
  }
}

TEST_CASE("flow: nothing but silence is bridged") {
  CHECK(words(judged(bogus(), matching()).outcome) == "temperror bogus defer");
  CHECK(words(judged(failed(FailureKind::overload), matching()).outcome) == "temperror overload defer");
  CHECK(words(judged(absent(), matching()).outcome) == "none no-record defer");
}
