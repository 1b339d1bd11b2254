// What a roster knows of a name, for how long, and when it asks again.
#include "tests/core/roster_scene.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <map>

using namespace danegate::core;
using namespace danegate::test;

namespace {

constexpr const char* mta1 = "_smtp-client.mta1.acme.example";
constexpr const char* mta2 = "_smtp-client.mta2.acme.example";

RosterScene two_names(RosterLimits limits = {}) {
  return RosterScene({naming("acme", {"mta1.acme.example", "mta2.acme.example"})}, limits);
}

RosterLimits with_grace(std::chrono::seconds grace) {
  RosterLimits limits;
  limits.ttl.grace = grace;
  return limits;
}

std::uint8_t flaws(std::initializer_list<RosterFlaw> list) {
  std::uint8_t set = 0;
  for (const auto flaw : list)
    set |= static_cast<std::uint8_t>(flaw);
  return set;
}

AnswerPtr good(std::chrono::seconds ttl = 3600s) {
  return answer_of(Secure{{right_key(), other_key()}, 0, Wildcard::none}, ttl);
}

} // namespace

TEST_CASE("roster: every name is handed out once, and again between 3/4 and 7/8 of its life") {
  auto s = two_names();
  CHECK(s.take_all() == std::vector<std::string>{mta1, mta2});
  CHECK(s.take_all().empty());
  s.store(mta1, good(1000s));
  s.store(mta2, absent()); // negative-max-ttl: 300 s
  CHECK(s.state(mta1) == "secure");
  CHECK(s.state(mta2) == "absent");
  const auto written = s.now;
  std::map<std::string, std::chrono::milliseconds> seen;
  for (; s.now < written + 999s; s.now += 500ms)
    for (const auto& name : s.take_all())
      seen.emplace(name, s.now - written);
  REQUIRE(seen.size() == 2);
  CHECK((seen[mta1] >= 750s && seen[mta1] <= 875s + 500ms));
  CHECK((seen[mta2] >= 225s && seen[mta2] <= 263s));
}

TEST_CASE("roster: a short life leaves time to see that a refresh fails") {
  RosterLimits limits;
  limits.ttl.min_ttl = 1s;
  limits.lead = 8s;
  for (const auto& [ttl, due] : {std::pair{3s, 1500ms}, std::pair{20s, 12000ms}}) {
    auto s = two_names(limits);
    s.take_all();
    s.store(mta1, good(ttl));
    const auto written = s.now;
    s.now = written + due - 10ms;
    CHECK(s.take_all().empty());
    s.now = written + due;
    CHECK(s.take_all() == std::vector<std::string>{mta1});
  }
}

TEST_CASE("roster: an answer is valid while written <= now < expiry") {
  auto s = two_names();
  s.store(mta1, good(100s));
  const auto written = s.now;
  s.now = written + 100s - 1ms;
  CHECK(s.state(mta1) == "secure");
  CHECK(s.candidates() == std::vector<std::string>{"mta1.acme.example"});
  CHECK(s.roster.candidates(both_digests(), s.now).lapsed.empty());
  s.now = written + 100s;
  CHECK(s.state(mta1) == "-");
  CHECK(s.candidates().empty());
  CHECK(s.roster.candidates(both_digests(), s.now).lapsed.size() == 1);
  CHECK(s.unresolved() == 2);
}

TEST_CASE("roster: a clock set back revives nothing, then or when its time comes again") {
  for (const auto step : {10ms, 5000ms, 3600000ms}) {
    INFO(step.count());
    auto s = two_names();
    s.store(mta1, good());
    s.store(mta2, good());
    const auto written = s.now;
    CHECK(s.unresolved() == 0);
    s.now = written - step;
    CHECK(s.state(mta1) == "-");
    CHECK(s.candidates().empty());
    CHECK(s.unresolved() > 0);
    s.now = written + 1s;
    if (step > 1s) {
      CHECK(s.unresolved() == 2);
      CHECK(s.state(mta1) == "-");
      CHECK(s.take_all().size() == 2);
    }
  }
}

TEST_CASE("roster: TTLs are clamped, and signatures end everything") {
  RosterLimits limits;
  limits.ttl.min_ttl = 30s;
  limits.ttl.max_ttl = 600s;
  auto s = two_names(limits);
  s.store(mta1, good(1s));
  s.store(mta2, signed_answer({right_key()}, 3600s, s.now + 10s));
  const auto written = s.now;
  s.now = written + 10s;
  CHECK(s.state(mta1) == "secure");
  CHECK(s.state(mta2) == "-");
  s.store(mta1, good(86400s));
  s.now += 600s;
  CHECK(s.state(mta1) == "-");
  s.store(mta1, signed_answer({right_key()}, 3600s, s.now - 1s)); // libunbound allows for clocks that differ
  CHECK(s.state(mta1) == "-");
  CHECK(s.unresolved() == 2);
}

namespace {

/// The pauses between attempts at a name that fails each time.
std::vector<std::chrono::milliseconds> pauses(RosterScene& s, std::string_view owner, int attempts) {
  std::vector<std::chrono::milliseconds> waits;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    s.store(owner, failed(FailureKind::server_failure));
    const auto since = s.now;
    for (bool due = false; !due;) {
      s.now += 1s;
      const auto taken = s.take_all();
      due = std::ranges::find(taken, owner) != taken.end();
    }
    waits.push_back(s.now - since);
  }
  return waits;
}

using Pauses = std::vector<std::chrono::milliseconds>;

} // namespace

TEST_CASE("roster: names that fail are asked again later and later, once a minute where they are few") {
  auto few = two_names();
  few.take_all();
  CHECK(pauses(few, mta1, 4) == Pauses{30s, 60s, 60s, 60s});
  for (const auto& [count, longest] : {std::pair{1000, 250s}, std::pair{5000, 900s}}) {
    INFO(count);
    std::vector<std::string> names;
    for (int i = 1; i <= count; ++i)
      names.push_back("mta" + std::to_string(i) + ".acme.example");
    RosterScene many({naming("r", names)});
    many.take_all();
    CHECK(pauses(many, mta1, 7) == Pauses{30s, 60s, 120s, std::min<std::chrono::seconds>(240s, longest),
                                          std::min<std::chrono::seconds>(480s, longest), longest, longest});
  }
}

TEST_CASE("roster: attempts before a short life ends do not put off those after it") {
  auto s = two_names();
  s.take_all();
  s.store(mta1, good(20s));
  for (s.now += 15s; s.state(mta1) == "secure"; s.now += 1s) { // its servers are away: asked again and again
    s.take_all();
    s.store(mta1, failed(FailureKind::timeout));
  }
  CHECK(s.take_all() == std::vector<std::string>{mta1}); // when it has ended
  CHECK(pauses(s, mta1, 3) == Pauses{30s, 60s, 60s});
}

TEST_CASE("roster: what DNS could not tell leaves what is known") {
  auto s = two_names();
  s.take_all();
  s.store(mta1, failed(FailureKind::server_failure));
  CHECK(s.unresolved() == 2);

  s.store(mta1, good(3600s));
  s.now += 3000s;
  s.store(mta1, failed(FailureKind::timeout));
  CHECK(s.state(mta1) == "secure");
  s.store(mta1, bogus());
  CHECK(s.state(mta1) == "secure");
  s.now += 600s;
  CHECK(s.state(mta1) == "-");
}

TEST_CASE("roster: claims that fail do not put off the next attempt") {
  auto s = two_names();
  s.take_all();
  s.store(mta1, failed(FailureKind::timeout));
  for (int i = 0; i < 100; ++i)
    s.roster.learn(s.number(mta1), *failed(FailureKind::timeout), s.now);
  s.now += 30s;
  CHECK(s.take_all() == std::vector<std::string>{mta1});
  s.roster.learn(s.number(mta1), *good(), s.now); // asked by the roster, answered to somebody else first
  CHECK(s.state(mta1) == "secure");
  s.roster.learn(s.number(mta1) + 100, *good(), s.now);
}

TEST_CASE("roster: a removed record is gone within its TTL, and the denial is what is known then") {
  auto s = two_names();
  s.store(mta1, good(100s));
  s.now += 90s;
  CHECK(s.candidates().size() == 1);
  s.store(mta1, absent());
  CHECK(s.state(mta1) == "absent");
  CHECK(s.candidates().empty());
}

TEST_CASE("roster: grace lets the last secure answer serve while its refresh fails, and not a second longer") {
  struct Case {
    const char* label;
    std::chrono::seconds grace;
    std::chrono::seconds signatures;
    AnswerPtr refresh;
    std::chrono::seconds end; ///< the TTL is 100 s
  };

  for (const Case& c : {
           Case{"grace ends", 50s, 1000s, failed(FailureKind::timeout), 150s},
           Case{"the signatures end", 500s, 130s, failed(FailureKind::server_failure), 130s},
           Case{"off", 0s, 1000s, failed(FailureKind::timeout), 100s},
           Case{"not where it is bogus", 50s, 1000s, bogus(), 100s},
           Case{"not where our own limits were reached", 50s, 1000s, failed(FailureKind::overload), 100s},
           Case{"not unless a refresh failed", 50s, 1000s, nullptr, 100s},
       }) {
    INFO(c.label);
    auto s = two_names(with_grace(c.grace));
    const auto written = s.now;
    s.store(mta1, signed_answer({right_key()}, 100s, written + c.signatures));
    s.store(mta2, good());
    s.now = written + 90s;
    if (c.refresh) s.store(mta1, c.refresh);
    CHECK(s.state(mta1) == "secure");
    for (s.now = written + 100s; s.now < written + 200s; s.now += 5s) {
      CHECK(s.state(mta1) == (s.now < written + c.end ? "secure by grace" : "-"));
      CHECK(s.candidates().size() == (s.now < written + c.end ? 2U : 1U)); // mta2 has the same key
      CHECK(s.unresolved() == 1);
    }
    s.now = written + c.end - 1ms;
    CHECK(s.state(mta1) != "-");
    CHECK(static_cast<bool>(s.roster.last_secure(dns_name(mta1), s.now)) == (c.end > 100s));
    s.now = written - 1s;
    CHECK(s.state(mta1) == "-");
  }
}

TEST_CASE("roster: no grace after a proven denial") {
  auto s = two_names(with_grace(86400s));
  s.store(mta1, signed_answer({right_key()}, 100s, s.now + 1000000s));
  s.store(mta1, answer_of(Absent{}, 10s));
  s.now += 40s;
  s.store(mta1, failed(FailureKind::timeout));
  CHECK(s.state(mta1) == "-");
  CHECK_FALSE(s.roster.last_secure(dns_name(mta1), s.now));
}

TEST_CASE("roster: doubt counts per rule and service, and says how the last attempt failed") {
  RosterScene s({naming("one", {"mta1.acme.example"}), naming("both", {"mta1.acme.example", "mta2.acme.example"}),
                 naming("none", {"*.acme.example"})});
  CHECK(s.unresolved(0) == 1);
  CHECK(s.unresolved(1) == 2);
  CHECK(s.unresolved(2) == 0);
  CHECK(s.unresolved(99) == 1); // not of this plan: all is doubt
  s.store(mta1, good());
  CHECK(s.unresolved(0) == 0);
  CHECK(s.unresolved(1) == 1);
  s.store(mta2, failed(FailureKind::timeout));
  CHECK(s.roster.doubt(1, s.now).reason == Reason::dns_timeout);
  s.store(mta2, bogus());
  CHECK(s.roster.doubt(1, s.now).reason == Reason::dns_failure);
  s.store(mta2, insecure());
  CHECK(s.unresolved(1) == 0);
  const auto counts = s.roster.counts();
  CHECK((counts.secure == 1 && counts.absent == 0 && counts.insecure == 1 && counts.unresolved == 0));
  s.now += 2h;
  CHECK(s.unresolved(1) == 2);
  CHECK(s.roster.counts().unresolved == 2);
}

TEST_CASE("roster: thousands that expire at once are doubt from that moment on") {
  std::vector<std::string> names;
  for (int i = 0; i < 9000; ++i)
    names.push_back("mta" + std::to_string(i) + ".acme.example");
  RosterScene s({in_file("all", names)});
  for (const auto& name : names)
    s.store("_smtp-client." + name, good(100s));
  CHECK(s.unresolved() == 0);
  s.now += 100s;
  CHECK(s.unresolved() > 0);
  for (int i = 0; i < 12; ++i)
    s.roster.advance(s.now);
  CHECK(s.unresolved() == 9000);
}

TEST_CASE("roster: candidates by every digest that evidence can hit") {
  const auto key = octets(vectors::key_text);
  const auto certificate = octets(vectors::cert_text);
  Evidence sha512;
  sha512.tls = true;
  sha512.key_digest = digest(vectors::key_sha512);
  sha512.certificate_digest = digest(vectors::cert_sha512);
  auto with_certificate = sha512;
  with_certificate.certificate = right_certificate();

  struct Case {
    const char* label;
    TlsaRecord record;
    bool by_sha256;
    bool by_sha512;
  };

  for (const Case& c :
       {Case{"3 1 1", record(3, 1, 1, from_hex(vectors::key_sha256)), true, false},
        Case{"3 0 1", record(3, 0, 1, from_hex(vectors::cert_sha256)), true, false},
        Case{"3 1 2", record(3, 1, 2, from_hex(vectors::key_sha512)), false, true},
        Case{"3 0 2", record(3, 0, 2, from_hex(vectors::cert_sha512)), false, true},
        Case{"3 1 0", record(3, 1, 0, key), true, true}, Case{"3 0 0", record(3, 0, 0, certificate), true, true},
        Case{"another key", other_key(), false, false}, Case{"usage 2", unusable_record(), false, false},
        Case{"the other selector", record(3, 0, 1, from_hex(vectors::key_sha256)), false, false}}) {
    INFO(c.label);
    auto s = two_names();
    s.store(mta1, secure({c.record}));
    CHECK(s.candidates().size() == (c.by_sha256 ? 1U : 0U));
    CHECK(s.candidates(sha512).size() == (c.by_sha512 ? 1U : 0U));
    CHECK(s.candidates(with_certificate).size() == (c.by_sha256 || c.by_sha512 ? 1U : 0U));
  }
}

TEST_CASE("roster: a digest that very many share is cut short, and says so") {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i)
    names.push_back("mta" + std::to_string(i) + ".acme.example");
  RosterScene s({in_file("all", names)});
  for (const auto& name : names)
    s.store("_smtp-client." + name, secure({right_key()}));
  const auto found = s.roster.candidates(both_digests(), s.now);
  CHECK(found.more);
  CHECK(found.found.size() == Roster::max_candidates);
}

TEST_CASE("roster: flaws are told once, when they come up") {
  RosterScene s({naming("r", {"mta1.acme.example", "mta2.acme.example", "mx.beta.example"})});
  constexpr const char* beta = "_smtp-client.mx.beta.example";
  using enum RosterFlaw;
  CHECK(s.store(mta1, good()).raised == 0);
  CHECK(s.store(mta1, secure({right_key()})).raised == flaws({single_record}));
  CHECK(s.store(mta1, secure({right_key()})).raised == 0);
  CHECK(s.store(mta1, failed(FailureKind::timeout)).raised == 0);
  CHECK(s.store(mta1, secure({right_key()})).raised == 0);
  CHECK(s.store(mta1, absent()).raised == flaws({no_record}));
  CHECK(s.store(mta1, insecure()).raised == 0);
  CHECK(s.store(mta1, secure({unusable_record(), unusable_record()})).raised == flaws({unusable}));
  CHECK(s.store(mta1, signed_answer({right_key(), other_key()}, 60s, s.now + 47h)).raised ==
        flaws({signatures_end_soon}));
  CHECK(s.store(mta1, signed_answer({right_key(), other_key()}, 60s, s.now + 49h)).raised == 0);
  CHECK(s.store(mta2, good()).raised == 0); // the same keys, a host of the same domain
  const auto sharing = s.store(beta, good());
  CHECK(sharing.raised == flaws({shared}));
  CHECK(sharing.sharing);
  CHECK(s.store(beta, good()).raised == 0);
  const std::vector<TlsaRecord> many(65, right_key());
  CHECK(s.store(mta2, secure(many)).raised == flaws({too_large}));
  CHECK(s.state(mta2) == "-");
  CHECK(s.candidates() == std::vector<std::string>{"mta1.acme.example", "mx.beta.example"});
}

TEST_CASE("roster: a name that is to be refreshed is due at once, and known until then") {
  auto s = two_names();
  s.take_all();
  s.store(mta1, good());
  s.store(mta2, good());
  s.now += 1s;
  CHECK(s.take_all().empty());
  s.roster.refresh(s.number(mta1));
  s.roster.refresh(s.number(mta1));
  CHECK(s.state(mta1) == "secure");
  CHECK(s.unresolved() == 0);
  const auto due = s.roster.take_due(s.now);
  REQUIRE(due);
  CHECK(due->number == s.number(mta1));
  CHECK(due->again); // past the resolver's cache
  CHECK_FALSE(s.roster.take_due(s.now));
  s.roster.refresh(s.number(mta1)); // it is being asked for
  CHECK_FALSE(s.roster.take_due(s.now));
  s.roster.store(s.number(mta1), *failed(FailureKind::timeout), s.now);
  CHECK(s.state(mta1) == "secure"); // that nobody answers changes nothing before its time

  s.roster.refresh_all();
  CHECK(s.take_all() == std::vector<std::string>{mta1, mta2});
}
