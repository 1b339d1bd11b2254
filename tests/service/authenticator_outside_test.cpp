// Verdicts on threads that are not the loop's: only from what is known, and beside a loop that changes it.
#include "daemon/service/roster_keeper.h"
#include "tests/core/roster_scene.h"
#include "tests/service/authenticator_bench.h"
#include "tests/service/captured_log.h"
#include "tests/support/catch.h"

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using namespace danegate;
using namespace danegate::test;

namespace {

/// "loop" where the loop has to give the verdict.
std::string outside(Bench& b, Question question) {
  const auto verdict = b.authenticator().judge_outside(std::move(question), b.config);
  const auto* const decision = std::get_if<Decision>(&verdict);
  return decision ? words(decision->outcome) : "loop";
}

std::string outside(Bench& b, const char* helo = "mta1.acme.example") {
  return outside(b, b.question(helo));
}

} // namespace

TEST_CASE("outside: what needs no lookup, or only the cache, is judged; the rest is for the loop") {
  Bench b;
  CHECK(outside(b) == "loop");
  CHECK(outside(b, "mta1.gamma.example") == "none not-listed reject");
  Question without_tls = b.question("mta1.acme.example");
  without_tls.evidence = Evidence{};
  CHECK(outside(b, without_tls) == "none no-tls reject");
  CHECK(b.dns->asked() == 0);

  b.ask();
  b.finish(0, matching());
  CHECK(outside(b) == "pass match tag");
  CHECK(outside(b, "mta1.beta.example") == "loop");
  CHECK(b.authenticator().lookup_counts().cache_hits == 1);
  b.now += 3601s;
  CHECK(outside(b) == "loop"); // it is over
  CHECK(b.dns->asked() == 1);
}

TEST_CASE("outside: a refusal that rests on what is cached is the loop's, which asks again") {
  Bench b;
  b.ask();
  b.finish(0, differing());
  CHECK(outside(b) == "loop");
  CHECK(b.authenticator().lookup_counts().cache_hits == 0);
}

TEST_CASE("outside: a failure that is remembered is temperror") {
  Bench b;
  b.ask();
  b.finish(0, failed(FailureKind::server_failure));
  CHECK(outside(b) == "temperror dns-failure defer");
}

TEST_CASE("outside: a question that goes to the loop is whole") {
  Bench b;
  const auto asked = b.question("mta1.acme.example");
  auto verdict = b.authenticator().judge_outside(b.question("mta1.acme.example"), b.config);
  REQUIRE(std::holds_alternative<Question>(verdict));
  const auto& back = std::get<Question>(verdict);
  CHECK(back.service == asked.service);
  CHECK(back.evidence.key_digest == asked.evidence.key_digest);
  CHECK(back.claims.helo == asked.claims.helo);
  CHECK(back.envelope.client == asked.envelope.client);
  CHECK(back.envelope.sender.local == asked.envelope.sender.local);
}

TEST_CASE("outside: another source makes everything unknown") {
  Bench b;
  b.ask();
  b.finish(0, matching());
  REQUIRE(outside(b) == "pass match tag");
  const auto fresh = FakeDns::make();
  const auto before = std::exchange(b.dns, fresh);
  b.authenticator().reconfigure(b.config, fresh->source());
  CHECK(outside(b) == "loop");
}

TEST_CASE("outside: the roster's hits are known, its doubt is the loop's") {
  Scene scene;
  scene.rules = {naming("acme", {"mta1.acme.example"})};
  Bench b(scene);
  b.roster_settings.refresh_per_second = 1000;
  b.use({});
  service::CapturedLog log;
  const auto keeper = service::RosterKeeper::make(b.loop, log.log, real_ports().hash, [&] { return b.now; });
  b.authenticator().use_roster(keeper);
  CHECK(outside(b, "garbage") == "loop"); // nobody is known yet
  keeper->work(std::chrono::steady_clock::time_point{std::chrono::hours{1}});
  REQUIRE(b.dns->asked() == 1);
  b.finish(0, answer_of(Secure{{right_key(), other_key()}, 0, Wildcard::none}, 3600s));
  CHECK(outside(b) == "pass match tag");
  CHECK(outside(b, "garbage") == "pass match tag"); // by its key
  b.scene.evidence.key_digest.reset();
  b.scene.evidence.certificate_digest = Digest::parse(std::string(64, '7')).value();
  CHECK(outside(b, "garbage") == "loop");
  b.end_authenticator();
}

TEST_CASE("outside: threads judge while the loop learns and forgets; no verdict but by an answer that was there") {
  Bench b;
  b.ask();
  b.finish(0, matching());
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::atomic<int> judged = 0;
  const auto question = b.question("mta1.acme.example");
  const auto& authenticator = b.authenticator();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      while (!stop) {
        const auto verdict = authenticator.judge_outside(Question(question), b.config);
        const auto* const decision = std::get_if<Decision>(&verdict);
        if (decision && decision->outcome.reason != Reason::match) ++wrong;
        ++judged;
      }
    });
  const auto name = DnsName::parse(helo_owner).value();
  std::size_t lookups = 1;
  for (int turns = 0; turns < 300 || judged < 1000; ++turns) {
    b.authenticator().flush(name);
    const auto asked = b.ask();
    REQUIRE(b.dns->asked() == ++lookups);
    b.finish(lookups - 1, matching());
    CHECK(words(asked) == "pass match tag");
  }
  stop = true;
  for (auto& thread : threads)
    thread.join();
  CHECK(wrong == 0);
}
