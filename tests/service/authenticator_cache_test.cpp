// What is remembered, for how long, when it is asked for again, and what a reload does to it.
#include "daemon/service/authenticator.h"
#include "tests/service/authenticator_bench.h"
#include "tests/support/catch.h"

#include <memory>
#include <stdexcept>
#include <string>

using namespace danegate;
using namespace danegate::test;

TEST_CASE("authenticator: a cached refusal is asked for again, once per min-ttl and name") {
  Bench b;
  const auto first = b.ask();
  b.finish(0, differing());
  CHECK(words(first) == "fail mismatch reject"); // made for this verdict: it counts
  CHECK(b.dns->asked() == 1);

  b.now += 1s;
  const auto second = b.ask();
  REQUIRE(b.dns->asked() == 2);
  CHECK(b.dns->lookup(1).name.text() == helo_owner);
  CHECK(b.dns->lookup(1).freshness == dns::Freshness::fresh);
  CHECK(words(second) == "-");
  b.finish(1, differing());
  CHECK(words(second) == "fail mismatch reject");
  CHECK(second->decision->names.at(0).requeried);

  b.now += 1s;
  const auto third = b.ask();
  CHECK(words(third) == "fail mismatch reject"); // too soon: the cached answer stands
  CHECK(b.dns->asked() == 2);
  CHECK_FALSE(third->decision->names.at(0).requeried);

  b.now += b.config->cache.min_ttl;
  const auto fourth = b.ask();
  REQUIRE(b.dns->asked() == 3);
  b.finish(2, matching()); // the key has rolled
  CHECK(words(fourth) == "pass match tag");
  CHECK(words(b.ask()) == "pass match tag");
  CHECK(b.dns->asked() == 3);
}

TEST_CASE("authenticator: a record published while its denial is cached lets the first attempt pass") {
  Bench b;
  const auto before = b.ask();
  b.finish(0, absent());
  CHECK(words(before) == "none no-record defer");
  b.now += 1s;
  const auto after = b.ask();
  REQUIRE(b.dns->asked() == 2);
  CHECK(b.dns->lookup(1).freshness == dns::Freshness::fresh);
  b.finish(1, matching());
  CHECK(words(after) == "pass match tag");
}

TEST_CASE("authenticator: a re-query that fails is doubt for 30 s, and leaves the good answer in the cache") {
  Bench b;
  const auto first = b.ask();
  b.finish(0, differing());
  CHECK(words(first) == "fail mismatch reject");
  b.now += 1s;
  const auto second = b.ask();
  REQUIRE(b.dns->asked() == 2);
  b.finish(1, failed(FailureKind::timeout));
  CHECK(words(second) == "temperror dns-timeout defer");
  CHECK(b.authenticator().cached_answers() == 1);
  b.now += 1s;
  CHECK(words(b.ask()) == "temperror dns-timeout defer"); // nothing was learned, and nothing is asked
  CHECK(b.dns->asked() == 2);
  b.now += b.config->cache.failure_ttl;
  const auto fourth = b.ask();
  REQUIRE(b.dns->asked() == 3);
  CHECK(b.dns->lookup(2).freshness == dns::Freshness::fresh);
  b.finish(2, matching());
  CHECK(words(fourth) == "pass match tag");
}

TEST_CASE("authenticator: a failed lookup is remembered for 30 s") {
  for (const AnswerPtr& answer : {failed(FailureKind::timeout), failed(FailureKind::server_failure), bogus()}) {
    Bench b;
    const auto first = b.ask();
    b.finish(0, answer);
    const std::string verdict = words(first);
    CAPTURE(verdict);
    b.now += 29s;
    CHECK(words(b.ask()) == verdict);
    CHECK(b.dns->asked() == 1);
    b.now += 1s;
    const auto again = b.ask();
    REQUIRE(b.dns->asked() == 2);
    b.finish(1, matching());
    CHECK(words(again) == "pass match tag");
  }
}

TEST_CASE("authenticator: overload said by the resolver is not remembered") {
  Bench b;
  const auto first = b.ask();
  b.finish(0, failed(FailureKind::overload));
  CHECK(words(first) == "temperror overload defer");
  const auto second = b.ask();
  REQUIRE(b.dns->asked() == 2);
  b.finish(1, matching());
  CHECK(words(second) == "pass match tag");
}

TEST_CASE("authenticator: an answer serves for its TTL and not longer, and not before it was made") {
  Bench b;
  const auto first = b.ask();
  b.finish(0, answer_of(Secure{{right_key()}, 0, Wildcard::none}, 60s));
  REQUIRE(words(first) == "pass match tag");
  b.now += 59s;
  CHECK(words(b.ask()) == "pass match tag");
  CHECK(b.dns->asked() == 1);
  b.now += 1s;
  const auto revoked = b.ask();
  REQUIRE(b.dns->asked() == 2);
  b.finish(1, absent());
  CHECK(words(revoked) == "none no-record defer");

  b.now -= 1h; // the clock was set back
  const auto before = b.ask();
  CHECK(b.dns->asked() == 3);
  b.finish(2, matching());
  CHECK(words(before) == "pass match tag");
}

TEST_CASE("authenticator: new rules keep the cache, a new source drops every stored answer") {
  Bench b;
  const auto first = b.ask();
  b.finish(0, matching());
  REQUIRE(words(first) == "pass match tag");
  CHECK(b.authenticator().cached_answers() == 1);

  b.use({});
  b.authenticator().reconfigure(b.config, nullptr);
  CHECK(words(b.ask()) == "pass match tag");
  CHECK(b.dns->asked() == 1);

  const auto other_dns = FakeDns::make();
  b.use({});
  b.authenticator().reconfigure(b.config, other_dns->source());
  CHECK(b.authenticator().cached_answers() == 0);
  const auto after = b.ask();
  CHECK(words(after) == "-");
  REQUIRE(other_dns->asked() == 1);
  CHECK(b.dns->asked() == 1);
  other_dns->finish(0, absent());
  b.turn();
  CHECK(words(after) == "none no-record defer");
}

TEST_CASE("authenticator: a verdict under way when the source changes is completed, and nothing of it is kept") {
  Bench b;
  const auto under_way = b.ask();
  REQUIRE(words(under_way) == "-");
  const auto other_dns = FakeDns::make();
  b.authenticator().reconfigure(b.config, other_dns->source());
  b.turn();
  b.finish(0, matching());
  CHECK(words(under_way) == "pass match tag");
  CHECK(b.authenticator().cached_answers() == 0);
  b.ask();
  CHECK(other_dns->asked() == 1);
}

TEST_CASE("authenticator: what is to be dropped is dropped although no new source can be made") {
  Bench b;
  const auto before = b.ask();
  b.finish(0, matching());
  REQUIRE(words(before) == "pass match tag");
  const auto under_way = b.ask("mta2.acme.example");

  const auto cannot = []() -> std::unique_ptr<dns::TlsaSource> { throw std::runtime_error("no anchors"); };
  for (int attempt = 0; attempt < 2; ++attempt) {
    CHECK_THROWS_AS(b.authenticator().renew(cannot), std::runtime_error);
    CHECK(words(b.ask()) == "temperror dns-failure defer");
    CHECK(b.dns->asked() == 2); // the source of before is asked no more
  }
  b.finish(1, matching()); // what it still says is kept nowhere
  CHECK(words(under_way) == "pass match tag");
  CHECK(words(b.ask("mta2.acme.example")) == "temperror dns-failure defer");

  const auto other_dns = FakeDns::make();
  b.authenticator().renew([&] { return other_dns->source(); });
  const auto after = b.ask();
  REQUIRE(other_dns->asked() == 1);
  other_dns->finish(0, matching());
  b.turn();
  CHECK(words(after) == "pass match tag");

  CHECK_THROWS_AS(b.authenticator().renew(cannot), std::runtime_error); // once more: closed again
  CHECK(words(b.ask()) == "temperror dns-failure defer");
  const auto third = FakeDns::make();
  b.authenticator().reconfigure(b.config, third->source()); // a reload may be quicker
  b.ask();
  CHECK(third->asked() == 1);
}

TEST_CASE("authenticator: answers that come late serve the next verdict, those of a source that was replaced do not") {
  Bench b;
  config::Limits limits;
  limits.deadline = 1ms;
  b.use(limits);
  const auto asked = b.ask();
  b.wait_for(*asked);
  REQUIRE(b.dns->late(dns_name(helo_owner), matching()));
  CHECK(words(b.ask()) == "pass match tag");
  CHECK(b.dns->asked() == 1);

  const auto other_dns = FakeDns::make();
  b.authenticator().reconfigure(b.config, other_dns->source());
  b.dns->late(dns_name(helo_owner), matching());
  CHECK(b.authenticator().cached_answers() == 0);
}

TEST_CASE("authenticator: a question is judged by the configuration that it was made with") {
  Bench b;
  const auto under_old = b.ask();
  b.scene.rules[0].name = "renamed";
  b.use({});
  b.authenticator().reconfigure(b.config, nullptr);
  b.finish(0, matching());
  REQUIRE(words(under_old) == "pass match tag");
  CHECK(under_old->decision->outcome.rule->name == "acme.example");
  const auto under_new = b.ask();
  REQUIRE(words(under_new) == "pass match tag");
  CHECK(under_new->decision->outcome.rule->name == "renamed");
}

TEST_CASE("authenticator: dns.grace lets the last secure answer serve while lookups fail, without a roster, too") {
  Bench b;
  b.roster_settings.limits.ttl.grace = 600s;
  b.use({});
  TlsaAnswer answer{Secure{{right_key()}, 0, Wildcard::none}, 60s};
  answer.signatures_end = std::chrono::floor<std::chrono::seconds>(b.now + 300s);
  const auto first = b.ask();
  b.finish(0, std::make_shared<const TlsaAnswer>(answer));
  REQUIRE(words(first) == "pass match tag");
  b.now += 100s;
  const auto silent = b.ask();
  REQUIRE(b.dns->asked() == 2);
  b.finish(1, failed(FailureKind::timeout));
  CHECK(words(silent) == "pass match tag");
  CHECK(served_by_grace(*silent->decision, silent->decision->outcome));
  b.now += 10s;
  const auto remembered = b.ask(); // the failure is remembered, and so is the answer
  CHECK(words(remembered) == "pass match tag");
  CHECK(b.dns->asked() == 2);
  b.now += 190s; // the signatures have ended
  const auto ended = b.ask();
  REQUIRE(b.dns->asked() == 3);
  b.finish(2, failed(FailureKind::timeout));
  CHECK(words(ended) == "temperror dns-timeout defer");
}

TEST_CASE("authenticator: a flushed name is asked for again, others are not") {
  Bench b;
  const auto name = dns_name(helo_owner);
  b.ask();
  b.finish(0, matching());
  b.ask("mta1.beta.example");
  b.finish(1, matching());
  const auto stored = b.authenticator().stored(name);
  REQUIRE(stored.cached);
  CHECK(std::string(state_of(*stored.cached->answer)) == "secure");
  CHECK_FALSE(stored.in_roster);

  const auto flushed = b.authenticator().flush(name);
  CHECK(flushed.answers == 1);
  CHECK(flushed.roster == 0);
  CHECK(b.dns->forgotten == std::vector<std::string>{helo_owner});
  CHECK_FALSE(b.authenticator().stored(name).cached);
  const auto again = b.ask();
  CHECK(b.dns->asked() == 3);
  b.finish(2, differing());
  CHECK(words(again) == "fail mismatch reject");
  CHECK(words(b.ask("mta1.beta.example")) == "pass match tag");
  CHECK(b.dns->asked() == 3);
  CHECK(b.authenticator().flush(dns_name("_smtp-client.unknown.example")).answers == 0);
}

TEST_CASE("authenticator: a flush forgets failures, and that the domain was held off") {
  Bench b;
  const auto failing = b.ask();
  b.finish(0, failed(FailureKind::timeout));
  CHECK(words(failing) == "temperror dns-timeout defer");
  CHECK(words(b.ask()) == "temperror dns-timeout defer");
  CHECK(b.dns->asked() == 1);
  b.authenticator().flush(dns_name(helo_owner));
  const auto again = b.ask();
  REQUIRE(b.dns->asked() == 2);
  b.finish(1, matching());
  CHECK(words(again) == "pass match tag");
}

TEST_CASE("authenticator: everything flushed") {
  Bench b;
  b.ask();
  b.finish(0, matching());
  b.ask("mta1.beta.example");
  b.finish(1, matching());
  CHECK(b.authenticator().flush_all().answers == 2);
  CHECK(b.dns->forgotten == std::vector<std::string>{"*"});
  CHECK(b.authenticator().cached_answers() == 0);
  b.ask();
  b.ask("mta1.beta.example");
  CHECK(b.dns->asked() == 4);
  CHECK(b.authenticator().lookups().claims == 2);
  CHECK(b.authenticator().lookups().requeries == 0);
}
