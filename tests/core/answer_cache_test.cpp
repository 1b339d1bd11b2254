#include "daemon/core/answer_cache.h"
#include "tests/core/builders.h"
#include "tests/core/credentials.h"
#include "tests/support/catch.h"

#include <vector>

using namespace danegate::core;
using namespace std::chrono_literals;
using danegate::test::absent;
using danegate::test::answer_of;
using danegate::test::bogus;
using danegate::test::dns_name;
using danegate::test::failed;
using danegate::test::insecure;
using danegate::test::other_key;
using danegate::test::right_key;
using danegate::test::secure;

namespace {

constexpr TimePoint start{std::chrono::hours{500000}};

DnsName a() {
  return dns_name("_smtp-client.a.example");
}

DnsName b() {
  return dns_name("_smtp-client.b.example");
}

DnsName c() {
  return dns_name("_smtp-client.c.example");
}

AnswerPtr secure_for(std::chrono::seconds ttl) {
  return answer_of(Secure{{right_key()}, 0, Wildcard::none}, ttl);
}

CacheLimits small(std::size_t entries) {
  CacheLimits limits;
  limits.entries = entries;
  return limits;
}

/// "-" for a miss.
std::string state(AnswerCache& cache, const DnsName& name, TimePoint now) {
  const auto hit = cache.find(name, now);
  return hit ? std::string(state_of(*hit->answer)) : "-";
}

} // namespace

TEST_CASE("TTLs are clamped by the kind of answer") {
  const AnswerCache cache{CacheLimits{}};

  struct Case {
    const char* label;
    TlsaOutcome outcome;
    std::chrono::seconds ttl;
    std::chrono::seconds kept;
  };

  const Secure some{{right_key()}, 0, Wildcard::none};
  const std::vector<Case> cases{
      {"secure, in range", some, 600s, 600s},
      {"secure, low", some, 5s, 30s},
      {"secure, zero", some, 0s, 30s},
      {"secure, negative", some, -5s, 30s},
      {"secure, at the floor", some, 30s, 30s},
      {"secure, high", some, 86400s, 3600s},
      {"secure, at the ceiling", some, 3600s, 3600s},
      {"secure, beyond 31 bits", some, 4294967295s, 3600s},
      {"secure, nonsense", some, std::chrono::seconds::max(), 3600s},
      {"insecure, in range", Insecure{}, 600s, 600s},
      {"insecure, low", Insecure{}, 1s, 30s},
      {"insecure, high", Insecure{}, 86400s, 3600s},
      {"absent, in range", Absent{}, 200s, 200s},
      {"absent, low", Absent{}, 1s, 30s},
      {"absent, high", Absent{}, 3600s, 300s},
      {"absent, the nonsense libunbound was seen to give", Absent{}, 32768s, 300s},
      {"bogus", Bogus{"expired"}, 3600s, 30s},
      {"failed", Failed{FailureKind::timeout, ""}, 3600s, 30s},
      {"failed with no ttl", Failed{FailureKind::server_failure, ""}, 0s, 30s},
  };
  for (const Case& k : cases) {
    INFO(k.label);
    CHECK(cache.clamp(TlsaAnswer{k.outcome, k.ttl}).count() == k.kept.count());
  }
}

TEST_CASE("the configured limits are the ones that clamp") {
  const AnswerCache cache{CacheLimits{10, 2s, 10s, 4s, 7s}};
  CHECK(cache.clamp(*secure_for(1s)) == 2s);
  CHECK(cache.clamp(*secure_for(60s)) == 10s);
  CHECK(cache.clamp(TlsaAnswer{Absent{}, 60s}) == 4s);
  CHECK(cache.clamp(TlsaAnswer{Bogus{""}, 60s}) == 7s);
}

TEST_CASE("an entry is valid while written-at <= now < expiry") {
  AnswerCache cache{CacheLimits{}};
  CHECK_FALSE(cache.find(a(), start).has_value());
  cache.store(a(), secure_for(100s), start);

  struct Case {
    std::chrono::milliseconds since;
    bool valid;
    std::chrono::seconds remaining;
  };

  // Backwards last: looking at an entry that is out of date may throw it away.
  const std::vector<Case> cases{
      {0ms, true, 100s}, {40s, true, 60s}, {99s, true, 1s}, {99999ms, true, 0s}, {0ms, true, 100s}, {-1ms, false, 0s},
  };
  for (const Case& k : cases) {
    CAPTURE(k.since.count());
    const auto hit = cache.find(a(), start + k.since);
    REQUIRE(hit.has_value() == k.valid);
    if (hit) {
      CHECK(hit->remaining >= k.remaining);
      CHECK(hit->remaining <= k.remaining + 1s);
      CHECK(state_of(*hit->answer) == "secure");
    }
  }
  AnswerCache again{CacheLimits{}};
  again.store(a(), secure_for(100s), start);
  CHECK_FALSE(again.find(a(), start + 100s).has_value());
  AnswerCache backwards{CacheLimits{}};
  backwards.store(a(), secure_for(100s), start);
  CHECK_FALSE(backwards.find(a(), start - 24h).has_value());
}

TEST_CASE("a failed lookup is remembered for 30 s") {
  for (const AnswerPtr& answer : {failed(FailureKind::timeout), failed(FailureKind::server_failure), bogus()}) {
    CAPTURE(state_of(*answer));
    AnswerCache cache{CacheLimits{}};
    cache.store(a(), answer, start);
    CHECK(state(cache, a(), start) == state_of(*answer));
    CHECK(state(cache, a(), start + 29999ms) == state_of(*answer));
    CHECK(state(cache, a(), start + 30s) == "-");
  }
}

TEST_CASE("overload says nothing about the name and is never kept") {
  AnswerCache cache{CacheLimits{}};
  cache.store(a(), failed(FailureKind::overload), start);
  CHECK(state(cache, a(), start) == "-");
  CHECK(cache.size() == 0);
  cache.store(a(), bogus(), start);
  cache.store(a(), failed(FailureKind::overload), start + 1s);
  CHECK(state(cache, a(), start + 1s) == "bogus");
}

TEST_CASE("what replaces what") {
  struct Case {
    const char* label;
    AnswerPtr first;
    AnswerPtr second;
    std::chrono::seconds later;
    const char* kept;
  };

  const AnswerPtr good = secure_for(600s);
  const AnswerPtr timeout = failed(FailureKind::timeout);
  const std::vector<Case> cases{
      {"a failure, a secure answer", good, timeout, 10s, "secure"},
      {"bogus, a secure answer", good, bogus(), 10s, "secure"},
      {"a failure, a denial", absent(), timeout, 10s, "absent"},
      {"bogus, a denial", absent(), bogus(), 10s, "absent"},
      {"a failure, an insecure answer", insecure(), timeout, 10s, "insecure"},
      {"bogus, an insecure answer", insecure(), bogus(), 10s, "insecure"},
      {"a failure, an expired secure answer", good, timeout, 600s, "failed"},
      {"bogus, an expired denial", absent(), bogus(), 300s, "bogus"},
      {"a denial, a secure answer: the record was removed", good, absent(), 10s, "absent"},
      {"insecure, a secure answer: the DS was removed", good, insecure(), 10s, "insecure"},
      {"a secure answer, a denial: the record was published", absent(), good, 10s, "secure"},
      {"a secure answer, a failure", timeout, good, 10s, "secure"},
      {"a secure answer, bogus", bogus(), good, 10s, "secure"},
      {"bogus, a failure", timeout, bogus(), 10s, "bogus"},
  };
  for (const Case& k : cases) {
    INFO(k.label);
    AnswerCache cache{CacheLimits{}};
    cache.store(a(), k.first, start);
    cache.store(a(), k.second, start + k.later);
    CHECK(state(cache, a(), start + k.later) == k.kept);
    CHECK(cache.size() == 1);
  }
}

TEST_CASE("a failure that replaces nothing leaves the good answer its own expiry") {
  AnswerCache cache{CacheLimits{}};
  cache.store(a(), secure_for(100s), start);
  for (int i = 1; i < 10; ++i)
    cache.store(a(), failed(FailureKind::timeout), start + std::chrono::seconds{i * 10});
  CHECK(state(cache, a(), start + 99s) == "secure");
  CHECK(state(cache, a(), start + 100s) == "-");
}

TEST_CASE("a new answer brings its own lifetime") {
  AnswerCache cache{CacheLimits{}};
  cache.store(a(), secure_for(60s), start);
  cache.store(a(), answer_of(Secure{{other_key()}, 0, Wildcard::none}, 60s), start + 50s);
  const auto hit = cache.find(a(), start + 100s);
  REQUIRE(hit.has_value());
  REQUIRE(std::get<Secure>(hit->answer->outcome).records.size() == 1);
  CHECK(std::get<Secure>(hit->answer->outcome).records[0] == other_key());
  CHECK_FALSE(cache.find(a(), start + 110s).has_value());
}

TEST_CASE("when the clock was set back, a failure does replace what has become invalid") {
  AnswerCache cache{CacheLimits{}};
  cache.store(a(), secure_for(600s), start);
  cache.store(a(), failed(FailureKind::timeout), start - 1h);
  CHECK(state(cache, a(), start - 1h) == "failed");
}

TEST_CASE("the least recently used entry goes first") {
  AnswerCache cache{small(2)};
  cache.store(a(), secure_for(600s), start);
  cache.store(b(), secure_for(600s), start);
  CHECK(cache.size() == 2);
  CHECK(cache.find(a(), start + 1s).has_value());
  cache.store(c(), secure_for(600s), start + 2s);
  CHECK(cache.size() == 2);
  CHECK(cache.find(a(), start + 3s).has_value());
  CHECK_FALSE(cache.find(b(), start + 3s).has_value());
  CHECK(cache.find(c(), start + 3s).has_value());

  cache.store(a(), absent(), start + 4s); // writing is using
  cache.store(b(), secure_for(600s), start + 5s);
  CHECK(state(cache, a(), start + 6s) == "absent");
  CHECK(state(cache, b(), start + 6s) == "secure");
  CHECK(state(cache, c(), start + 6s) == "-");
}

TEST_CASE("the bound holds however many names there are") {
  AnswerCache cache{small(16)};
  for (int i = 0; i < 1000; ++i) {
    cache.store(dns_name("_smtp-client.host" + std::to_string(i) + ".example"), i % 3 == 0 ? bogus() : secure_for(60s),
                start + std::chrono::milliseconds{i});
    REQUIRE(cache.size() <= 16);
  }
  CHECK(cache.size() == 16);
  CHECK(state(cache, dns_name("_smtp-client.host999.example"), start + 1s) != "-");
  CHECK(state(cache, dns_name("_smtp-client.host0.example"), start + 1s) == "-");
  cache.clear();
  CHECK(cache.size() == 0);
  CHECK(state(cache, dns_name("_smtp-client.host999.example"), start + 1s) == "-");
  cache.store(a(), secure_for(60s), start + 2s);
  CHECK(state(cache, a(), start + 2s) == "secure");
}

TEST_CASE("a cached answer may be asked for again once per min-ttl and name") {
  AnswerCache cache{CacheLimits{}};
  cache.store(a(), secure_for(600s), start);
  cache.store(b(), absent(), start);
  CHECK(cache.requery(a(), start + 1s).ask); // even one second after it was made
  CHECK_FALSE(cache.requery(a(), start + 1s).ask);
  CHECK(cache.requery(b(), start + 1s).ask); // by name
  CHECK_FALSE(cache.requery(a(), start + 30999ms).ask);
  CHECK(cache.requery(a(), start + 31s).ask);
  CHECK_FALSE(cache.requery(a(), start + 32s).ask);
}

TEST_CASE("the answer of a re-query does not open the door to another") {
  AnswerCache cache{CacheLimits{}};
  cache.store(a(), secure_for(600s), start);
  CHECK(cache.requery(a(), start + 1s).ask);
  cache.store(a(), secure_for(600s), start + 2s);
  CHECK_FALSE(cache.requery(a(), start + 3s).ask);
  cache.store(a(), absent(), start + 4s);
  CHECK_FALSE(cache.requery(a(), start + 5s).ask);
  CHECK(cache.requery(a(), start + 31s).ask);
}

TEST_CASE("a re-query that failed: its failure stands for 30 s, then it is asked again, however long min-ttl is") {
  CacheLimits limits;
  limits.min_ttl = 120s;
  AnswerCache cache{limits};
  cache.store(a(), secure_for(600s), start);
  CHECK(cache.requery(a(), start + 1s).ask);
  cache.store(a(), failed(FailureKind::timeout), start + 2s);
  CHECK(state(cache, a(), start + 2s) == "secure"); // it serves whoever it lets pass
  for (const auto later : {2s, 31s}) {
    const auto again = cache.requery(a(), start + later);
    CHECK_FALSE(again.ask);
    REQUIRE(again.failure);
    CHECK(state_of(*again.failure) == "failed");
  }
  CHECK(cache.requery(a(), start + 32s).ask);
  CHECK_FALSE(cache.requery(a(), start + 33s).ask);
  cache.store(a(), absent(), start + 34s); // something was learned: the failure is forgotten
  const auto again = cache.requery(a(), start + 35s);
  CHECK_FALSE(again.ask);
  CHECK_FALSE(again.failure);
}

TEST_CASE("remembered failures are not asked again: remembering them is the point") {
  for (const AnswerPtr& answer : {failed(FailureKind::timeout), failed(FailureKind::server_failure), bogus()}) {
    CAPTURE(state_of(*answer));
    AnswerCache cache{CacheLimits{}};
    cache.store(a(), answer, start);
    CHECK_FALSE(cache.requery(a(), start + 1s).ask);
    CHECK_FALSE(cache.requery(a(), start + 29s).ask);
    CHECK(cache.requery(a(), start + 29s).failure == answer);
  }
}

TEST_CASE("peek() says what find() would, and changes nothing; erase() forgets one name") {
  AnswerCache cache{small(2)};
  cache.store(a(), secure_for(100s), start);
  cache.store(b(), absent(), start);
  const auto hit = cache.peek(a(), start + 40s);
  REQUIRE(hit);
  CHECK(hit->remaining == 60s);
  CHECK_FALSE(cache.peek(a(), start - 1s));
  CHECK_FALSE(cache.peek(c(), start));
  cache.store(c(), absent(), start); // a() was looked at, not used: it goes first
  CHECK(state(cache, a(), start) == "-");
  CHECK_FALSE(cache.peek(b(), start + 1h));
  CHECK(cache.size() == 2); // expired, and still there
  CHECK(cache.erase(b()));
  CHECK_FALSE(cache.erase(b()));
  CHECK(state(cache, b(), start) == "-");
  CHECK(state(cache, c(), start) == "absent");
  cache.store(b(), secure_for(100s), start);
  CHECK(state(cache, b(), start) == "secure");
}

TEST_CASE("erase() forgets a failure, too: the name may be asked for at once") {
  AnswerCache cache{CacheLimits{}};
  cache.store(a(), failed(FailureKind::timeout), start);
  CHECK_FALSE(cache.requery(a(), start + 1s).ask);
  CHECK(cache.erase(a()));
  CHECK(cache.requery(a(), start + 1s).ask);
}
