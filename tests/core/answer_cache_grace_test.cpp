// The end of signatures, and `dns.grace`: the last secure answer while a zone's servers cannot be reached.
#include "daemon/core/answer_cache.h"
#include "tests/core/builders.h"
#include "tests/core/credentials.h"
#include "tests/support/catch.h"

#include <string>

using namespace danegate::core;
using namespace std::chrono_literals;
using danegate::test::absent;
using danegate::test::bogus;
using danegate::test::dns_name;
using danegate::test::failed;
using danegate::test::insecure;
using danegate::test::right_key;

namespace {

constexpr TimePoint start{std::chrono::hours{500000}};

DnsName name() {
  return dns_name("_smtp-client.a.example");
}

AnswerPtr signed_for(std::chrono::seconds ttl, std::optional<std::chrono::seconds> signatures) {
  TlsaAnswer answer{Secure{{right_key()}, 0, Wildcard::none}, ttl};
  if (signatures) answer.signatures_end = std::chrono::floor<std::chrono::seconds>(start + *signatures);
  return std::make_shared<const TlsaAnswer>(std::move(answer));
}

CacheLimits with_grace(std::chrono::seconds grace) {
  CacheLimits limits;
  limits.grace = grace;
  return limits;
}

/// "secure", "failed by grace", "-".
std::string state(AnswerCache& cache, TimePoint now) {
  const auto hit = cache.find(name(), now);
  if (!hit) return "-";
  return std::string(state_of(*hit->answer)) + (hit->last ? " by grace" : "");
}

} // namespace

TEST_CASE("A secure answer never outlives its signatures, whatever dns.min-ttl says") {
  AnswerCache cache{CacheLimits{}};
  cache.store(name(), signed_for(3600s, 10s), start);
  CHECK(state(cache, start + 10s - 1ms) == "secure");
  CHECK(state(cache, start + 10s) == "-");
  cache.store(name(), signed_for(3600s, -1s), start);
  CHECK(state(cache, start) == "-");
}

TEST_CASE("Grace: the last secure answer is there while lookups fail, until grace or the signatures end") {
  struct Case {
    const char* label;
    std::chrono::seconds grace;
    std::optional<std::chrono::seconds> signatures;
    std::chrono::seconds end; ///< after the start; the TTL is 60 s
  };

  for (const Case& c : {Case{"grace ends first", 100s, 1000s, 160s}, Case{"signatures end first", 100s, 90s, 90s},
                        Case{"off", 0s, 1000s, 60s}, Case{"no signatures were seen", 100s, std::nullopt, 60s}}) {
    INFO(c.label);
    AnswerCache cache{with_grace(c.grace)};
    cache.store(name(), signed_for(60s, c.signatures), start);
    CHECK(state(cache, start + 60s - 1ms) == "secure");
    CHECK(state(cache, start + 60s) == "-"); // it has expired: DNS is asked first
    for (auto at = 60s; at < 200s; at += 5s) {
      INFO(at.count());
      cache.store(name(), failed(at % 10s == 0s ? FailureKind::timeout : FailureKind::server_failure), start + at);
      CHECK(state(cache, start + at) == (at < c.end ? "failed by grace" : "failed"));
      CHECK(static_cast<bool>(cache.last_secure(name(), start + c.end)) == false);
    }
    CHECK(state(cache, start + 30s) == "-"); // a clock set back revives nothing
  }
}

TEST_CASE("Grace: the millisecond in which it ends") {
  AnswerCache cache{with_grace(40s)};
  cache.store(name(), signed_for(60s, 1000s), start);
  cache.store(name(), failed(FailureKind::timeout), start + 90s);
  CHECK(cache.last_secure(name(), start + 100s - 1ms));
  CHECK_FALSE(cache.last_secure(name(), start + 100s));
}

TEST_CASE("Grace: never after DNS said anything else") {
  for (const AnswerPtr& word : {absent(), insecure(), signed_for(60s, std::nullopt)}) {
    INFO(state_of(*word));
    AnswerCache cache{with_grace(3600s)};
    cache.store(name(), signed_for(60s, 100000s), start);
    cache.store(name(), word, start + 61s);
    cache.store(name(), failed(FailureKind::timeout), start + 3700s);
    CHECK(state(cache, start + 3700s) == "failed");
  }
}

TEST_CASE("Grace: bogus is no failure that it covers") {
  AnswerCache cache{with_grace(3600s)};
  cache.store(name(), signed_for(60s, 100000s), start);
  cache.store(name(), bogus(), start + 61s);
  CHECK(state(cache, start + 61s) == "bogus");
}

TEST_CASE("A failure in the cache stands where the roster's answer was asked for again") {
  AnswerCache cache{CacheLimits{}};
  CHECK(cache.requery(name(), start).ask);
  cache.store(name(), failed(FailureKind::timeout), start);
  const auto soon = cache.requery(name(), start + 29s);
  CHECK_FALSE(soon.ask);
  REQUIRE(soon.failure);
  CHECK(state_of(*soon.failure) == "failed");
  CHECK(cache.requery(name(), start + 30s).ask);
}
