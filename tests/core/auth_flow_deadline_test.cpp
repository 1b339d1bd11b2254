// The deadline has come: what is outstanding counts as a timeout, and nothing new is begun.
#include "daemon/core/auth_flow.h"
#include "tests/core/acme_scene.h"
#include "tests/support/catch.h"

#include <string>
#include <utility>
#include <vector>

using namespace danegate::core;
using namespace danegate::test;

namespace {

constexpr const char* late = "temperror dns-timeout defer";

Scene with_templates(std::vector<std::string> templates) {
  Scene scene = acme_scene();
  scene.templates = std::move(templates);
  return scene;
}

AuthFlow one_name() {
  return with_templates({"_a.{helo}"}).flow();
}

AuthFlow two_names() {
  return with_templates({"_a.{helo}", "_b.{helo}"}).flow();
}

} // namespace

TEST_CASE("the deadline: nothing was handed out yet") {
  AuthFlow flow = two_names();
  flow.expire();
  REQUIRE(flow.done());
  CHECK(flow.take_needs().empty());
  CHECK(words(flow.take().outcome) == late);
}

TEST_CASE("the deadline: nothing was answered") {
  AuthFlow flow = two_names();
  CHECK(flow.take_needs().size() == 2);
  flow.expire();
  REQUIRE(flow.done());
  CHECK(words(flow.take().outcome) == late);
}

TEST_CASE("the deadline: one answer of two: doubt beats what it says, unless it passes") {
  struct Case {
    AnswerPtr answer;
    const char* expected;
  };

  for (const Case& c : {Case{absent(), late}, Case{differing(), late}, Case{bogus(), "temperror bogus defer"},
                        Case{matching(), "pass match tag"}}) {
    CAPTURE(c.expected);
    for (const std::size_t answered : {0U, 1U}) {
      AuthFlow flow = two_names();
      const auto needs = flow.take_needs();
      REQUIRE(needs.size() == 2);
      flow.answer(needs[answered].id, c.answer, false);
      if (!flow.done()) flow.expire();
      REQUIRE(flow.done());
      CHECK(words(flow.take().outcome) == c.expected);
    }
  }
}

TEST_CASE("the deadline: a cached answer that was being asked for again") {
  AuthFlow flow = one_name();
  const auto needs = flow.take_needs();
  REQUIRE(needs.size() == 1);
  flow.answer(needs[0].id, differing(), true);
  REQUIRE_FALSE(flow.done());
  const auto again = flow.take_needs();
  REQUIRE(again.size() == 1);
  CHECK(again[0].fresh);
  CHECK(again[0].name->text() == "_a.mta1.acme.example");
  flow.expire();
  REQUIRE(flow.done());
  CHECK(words(flow.take().outcome) == late);
}

TEST_CASE("the deadline: a cached answer beside one that never came: no new lookup is begun") {
  for (const std::size_t cached : {0U, 1U}) {
    CAPTURE(cached);
    AuthFlow flow = two_names();
    const auto needs = flow.take_needs();
    REQUIRE(needs.size() == 2);
    flow.answer(needs[cached].id, differing(), true);
    REQUIRE_FALSE(flow.done());
    flow.expire();
    REQUIRE(flow.done());
    CHECK(flow.take_needs().empty());
    CHECK(words(flow.take().outcome) == late);
  }
}

TEST_CASE("the deadline: a re-query that was never handed out") {
  AuthFlow flow = one_name();
  flow.answer(flow.take_needs().at(0).id, differing(), true);
  flow.expire();
  REQUIRE(flow.done());
  CHECK(words(flow.take().outcome) == late);
}
