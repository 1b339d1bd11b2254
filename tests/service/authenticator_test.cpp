// The loop's side of a verdict. Nothing here waits for a clock but the tests of the deadline, and those only for it to
// pass.
#include "daemon/service/authenticator.h"
#include "tests/service/authenticator_bench.h"
#include "tests/support/catch.h"

#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace danegate;
using namespace danegate::test;

TEST_CASE("authenticator: a verdict waits for DNS, the next one takes the answer from the cache") {
  Bench b;
  const auto first = b.ask();
  CHECK(words(first) == "-");
  REQUIRE(b.dns->names() == std::vector<std::string>{helo_owner});
  CHECK(b.dns->lookup(0).freshness == dns::Freshness::any);
  b.finish(0, matching());
  CHECK(words(first) == "pass match tag");
  CHECK(first->decision->lookups == 1);
  CHECK(first->decision->cached == 0);

  const auto second = b.ask();
  CHECK(words(second) == "pass match tag");
  CHECK(second->decision->lookups == 0);
  CHECK(second->decision->cached == 1);
  CHECK(b.dns->asked() == 1);
}

TEST_CASE("authenticator: what needs no lookup, or only the cache, does not suspend") {
  Bench b;
  const auto primed = b.ask();
  b.finish(0, matching());
  REQUIRE(words(primed) == "pass match tag");

  Question without_tls = b.question("mta1.acme.example");
  without_tls.evidence = Evidence{};
  const std::vector<Question> questions{b.question("mta1.acme.example"), without_tls, b.question("mta1.gamma.example"),
                                        b.question("unknown")};
  const std::vector<std::string> expected{"pass match tag", "none no-tls reject", "none not-listed reject",
                                          "none no-name reject"};
  for (std::size_t i = 0; i < questions.size(); ++i) {
    CAPTURE(expected[i]);
    std::string verdict;
    bool others_ran = false;
    bool suspended = true;
    const auto in_one_go = [&]() -> boost::asio::awaitable<void> {
      boost::asio::post(b.loop, [&others_ran] { others_ran = true; });
      Question question = questions[i];
      config::ConfigPtr config = b.config;
      auto judging = b.authenticator().judge(question, config);
      const Decision decision = co_await std::move(judging);
      verdict = words(decision.outcome);
      suspended = others_ran;
    };
    boost::asio::co_spawn(b.loop, in_one_go(), boost::asio::detached);
    b.turn();
    CHECK(verdict == expected[i]);
    CHECK_FALSE(suspended);
    CHECK(others_ran);
  }
  CHECK(b.dns->asked() == 1);
}

TEST_CASE("authenticator: the names of one verdict are resolved concurrently") {
  Scene scene = two_partners();
  scene.templates = {"_a.{helo}", "_b.{helo}"};
  Bench b(scene);
  const auto asked = b.ask();
  CHECK(b.dns->names() == std::vector<std::string>{"_a.mta1.acme.example", "_b.mta1.acme.example"});
  b.finish(1, absent());
  CHECK(words(asked) == "-");
  b.finish(0, matching());
  CHECK(words(asked) == "pass match tag");
}

TEST_CASE("authenticator: verdicts under way at the same time do not disturb each other") {
  Bench b;
  const auto acme = b.ask("mta1.acme.example", "192.0.2.1");
  const auto beta = b.ask("mta1.beta.example", "192.0.2.2");
  REQUIRE(b.dns->asked() == 2);
  b.finish(1, differing());
  CHECK(words(acme) == "-");
  CHECK(words(beta) == "fail mismatch reject");
  b.finish(0, matching());
  CHECK(words(acme) == "pass match tag");
}

TEST_CASE("authenticator: the deadline holds when DNS never answers, and a late answer harms nobody") {
  Bench b;
  config::Limits limits;
  limits.deadline = 20ms;
  b.use(limits);
  const auto asked = b.ask();
  REQUIRE(b.dns->asked() == 1);
  b.wait_for(*asked);
  CHECK(words(asked) == "temperror dns-timeout defer");
  b.finish(0, matching());
  CHECK(words(asked) == "temperror dns-timeout defer");
  CHECK(b.authenticator().lookups_in_flight() == 0);
}

TEST_CASE("authenticator: the deadline, with a stale cached answer beside the lookup that never ends") {
  Scene scene = two_partners();
  scene.templates = {"_a.{helo}"};
  Bench b(scene);
  const auto primed = b.ask();
  b.finish(0, differing());
  REQUIRE(words(primed) == "fail mismatch reject");

  b.scene.templates = {"_a.{helo}", "_b.{helo}"};
  config::Limits limits;
  limits.deadline = 20ms;
  b.use(limits);
  const auto asked = b.ask();
  REQUIRE(b.dns->names().back() == "_b.mta1.acme.example");
  b.wait_for(*asked);
  CHECK(words(asked) == "temperror dns-timeout defer");
  b.finish(b.dns->asked() - 1, matching()); // long after its verdict was given
  CHECK(words(asked) == "temperror dns-timeout defer");
}

TEST_CASE("authenticator: the authenticator may end while lookups go on") {
  Bench b;
  config::Limits limits;
  limits.deadline = 1ms;
  b.use(limits);
  const auto asked = b.ask();
  b.wait_for(*asked);
  CHECK(words(asked) == "temperror dns-timeout defer");
  b.end_authenticator(); // its source completes the waiter
  b.turn();
  CHECK_FALSE(b.dns->lookup(0).handler);
  CHECK(words(asked) == "temperror dns-timeout defer");
}

TEST_CASE("authenticator: a source that ends completes the verdicts that wait for it") {
  Bench b;
  const auto asked = b.ask();
  REQUIRE(words(asked) == "-");
  b.end_authenticator();
  b.turn();
  CHECK(words(asked) == "temperror dns-failure defer");
}
