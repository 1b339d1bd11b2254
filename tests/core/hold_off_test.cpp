// Whom a dead zone's names cost anything, and whom not.
#include "daemon/core/hold_off.h"

#include "tests/core/builders.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace danegate::test;
using namespace std::chrono_literals;

namespace {

using Kind = HoldOff::Change::Kind;

constexpr HoldOff::Time start{1000h};
const AnswerPtr timeout = failed(FailureKind::timeout);

std::vector<std::string> texts(const std::vector<DnsName>& names) {
  std::vector<std::string> texts;
  for (const auto& name : names)
    texts.push_back(name.text());
  return texts;
}

using Names = std::vector<std::string>;

/// A hold-off with a clock.
struct Scene {
  explicit Scene(std::chrono::seconds max_ttl = 3600s) : names(max_ttl) {}

  HoldOff names;
  HoldOff::Time now = start;

  void learn(const std::string& owner, const AnswerPtr& answer) { names.learn(dns_name(owner), answer, now); }

  void fail(const std::string& owner, const AnswerPtr& how = timeout, unsigned times = HoldOff::threshold) {
    for (unsigned i = 0; i < times; ++i)
      learn(owner, how);
  }

  Names probes() { return texts(names.take_probes(now)); }

  std::optional<HoldOff::Change> probed(const std::string& parent, const AnswerPtr& answer) {
    return names.probed(dns_name(parent), answer, now);
  }

  /// Fails names below it, and the parent itself.
  void hold(const std::string& parent) {
    fail("_c.x." + parent);
    names.take_probes(now);
    REQUIRE(probed(parent, timeout));
  }

  bool asks(const std::string& owner) { return names.check(dns_name(owner), now) == nullptr; }
};

} // namespace

TEST_CASE("HoldOff: parents are those of the identity's domain, up to two labels") {
  struct Case {
    const char* owner;
    Names parents;
  };

  const std::vector<Case> cases{
      {"_smtp-client.mta1.acme.example", {"acme.example"}},
      {"_smtp-client.a.b.acme.example", {"b.acme.example", "acme.example"}},
      {"_smtp-client.acme.example", {}}, // never a top-level domain
      {"_smtp-client.example", {}},
      {"_smtp-client", {}},
      {"0123abcd._submission-client.acme.example", {"acme.example"}},
      {"boss._submission-client.eu.acme.example", {"eu.acme.example", "acme.example"}},
      {"sensor7._device.acme.example", {"acme.example"}},
      {"_smtp-client.sensor7._device.acme.example", {"acme.example"}},
      {"_a._b.mta1.acme.example", {"acme.example"}},
      {"mta1.acme.example", {"acme.example"}}, // a template without a service label
      {"_c.1.2.3.4.5.6.acme.example",
       {"2.3.4.5.6.acme.example", "3.4.5.6.acme.example", "4.5.6.acme.example", "5.6.acme.example", "6.acme.example",
        "acme.example"}},
  };
  for (const Case& c : cases) {
    INFO(c.owner);
    CHECK(texts(parents_of(dns_name(c.owner))) == c.parents);
  }
}

TEST_CASE("HoldOff: failures make a probe of the parent, and only its failure holds its names off") {
  for (const bool dead : {true, false}) {
    CAPTURE(dead);
    Scene s;
    s.fail("_c.mta1.acme.example", timeout, HoldOff::threshold - 1);
    CHECK(s.probes().empty());
    s.fail("_c.mta2.acme.example", timeout, 1);
    CHECK(s.probes() == Names{"acme.example"});
    CHECK(s.asks("_c.mta3.acme.example"));
    CHECK(s.probes().empty()); // it is under way

    const auto change = s.probed("acme.example", dead ? timeout : absent());
    CHECK(change.has_value() == dead);
    CHECK(s.asks("_c.mta3.acme.example") != dead);
    CHECK(s.asks("_c.deep.below.acme.example") != dead);
    CHECK(s.asks("_c.mta3.beta.example"));
  }
}

TEST_CASE("HoldOff: what a held-off name gets is the last failure, with its own reason") {
  struct Case {
    AnswerPtr failure;
    const char* state;
    const char* why;
  };

  const std::vector<Case> cases{
      {timeout, "failed", "held off: acme.example does not answer: as the test says"},
      {bogus(), "bogus", "held off: acme.example does not answer: signature expired"},
  };
  for (const Case& c : cases) {
    Scene s;
    s.fail("_c.x.acme.example", c.failure);
    s.probes();
    REQUIRE(s.probed("acme.example", c.failure));
    const auto answer = s.names.check(dns_name("_c.y.acme.example"), s.now);
    REQUIRE(answer);
    CHECK(state_of(*answer) == c.state);
    const auto* const failure = std::get_if<Failed>(&answer->outcome);
    CHECK((failure ? failure->why : std::get<Bogus>(answer->outcome).why) == c.why);
    if (failure) CHECK(failure->kind == FailureKind::timeout);
  }
}

TEST_CASE("HoldOff: a client cannot hold off his neighbours") {
  SECTION("by names in a slow corner of the neighbour's own zone") {
    Scene s;
    for (const char* corner : {"slow1", "slow2", "slow3"})
      s.fail("_c." + std::string(corner) + ".acme.example"); // delegated to silent servers, each
    CHECK(s.probes() == Names{"acme.example"});
    CHECK_FALSE(s.probed("acme.example", absent())); // its own servers answer
    s.fail("_c.slow4.acme.example", timeout, 1000);
    CHECK(s.probes().empty()); // and are not asked again for a while
    CHECK(s.asks("_c.mta1.acme.example"));
    s.now += HoldOff::spared;
    s.fail("_c.slow4.acme.example");
    CHECK(s.probes() == Names{"acme.example"});
  }
  SECTION("under a public suffix") {
    Scene s;
    s.fail("_c.mallory.co.example");
    CHECK(s.probes() == Names{"co.example"});
    CHECK_FALSE(s.probed("co.example", insecure()));
    CHECK(s.asks("_c.alice.co.example"));
  }
  SECTION("by being overload himself") {
    Scene s;
    s.fail("_c.x.acme.example", failed(FailureKind::overload), 100);
    CHECK(s.probes().empty());
    s.fail("_c.x.acme.example");
    CHECK(s.probes() == Names{"acme.example"});
    CHECK_FALSE(s.probed("acme.example", failed(FailureKind::overload)));
    CHECK(s.asks("_c.y.acme.example"));
  }
}

TEST_CASE("HoldOff: deep random names are held off by the dead zone that they are in") {
  Scene s;
  s.learn("_c.a1.b1.silent.example", timeout);
  s.learn("_c.a2.b2.silent.example", timeout);
  s.learn("_c.a3.b3.c3.silent.example", timeout);
  CHECK(s.probes() == Names{"silent.example"});
  REQUIRE(s.probed("silent.example", timeout));
  CHECK_FALSE(s.asks("_c.a4.b4.silent.example"));
}

TEST_CASE("HoldOff: of several parents the highest is asked for first, the others only if that one answers") {
  for (const bool dead : {true, false}) {
    CAPTURE(dead);
    Scene s;
    s.fail("_c.x.corner.acme.example");
    CHECK(s.probes() == Names{"acme.example"});
    CHECK(s.probed("acme.example", dead ? timeout : absent()).has_value() == dead);
    CHECK(s.probes() == (dead ? Names{} : Names{"corner.acme.example"}));
  }
}

TEST_CASE("HoldOff: never a name that answered within max-ttl, nor what is beside one under a living parent") {
  Scene s(600s);
  s.learn("_c.mta1.acme.example", secure({}));
  s.learn("_c.none.acme.example", absent());
  s.learn("_c.mta1.eu.acme.example", secure({}));
  s.hold("acme.example");
  CHECK(s.asks("_c.mta1.acme.example"));
  CHECK(s.asks("_c.none.acme.example"));
  CHECK(s.asks("_c.mta2.eu.acme.example")); // another zone, perhaps with other servers
  CHECK_FALSE(s.asks("_c.mta2.acme.example"));
  s.now += 600s;
  for (const char* owner : {"_c.mta1.acme.example", "_c.none.acme.example", "_c.mta2.eu.acme.example"})
    CHECK_FALSE(s.asks(owner));
}

TEST_CASE("HoldOff: a dead parent costs one probe at a time, and its first answer ends it") {
  Scene s;
  s.hold("acme.example");
  s.now += HoldOff::probe_every - 1s;
  CHECK(s.probes().empty());
  s.now += 1s;
  CHECK(s.probes() == Names{"acme.example"});
  CHECK(s.probes().empty());
  s.now += 4s;
  CHECK_FALSE(s.probed("acme.example", bogus())); // dead still
  CHECK_FALSE(s.asks("_c.a.acme.example"));
  CHECK_FALSE(s.asks("_c.b.acme.example"));
  s.now += HoldOff::probe_every;
  CHECK(s.probes() == Names{"acme.example"});
  const auto ended = s.probed("acme.example", absent());
  REQUIRE(ended);
  CHECK(ended->kind == Kind::ended);
  CHECK(ended->parent == dns_name("acme.example"));
  CHECK(ended->lasted == 14s);
  CHECK(ended->refused == 2);
  CHECK(state_of(*ended->last) == "bogus");
  CHECK(s.asks("_c.a.acme.example"));
  CHECK_FALSE(s.names.active());
}

TEST_CASE("HoldOff: old failures do not count") {
  Scene s;
  s.fail("_c.x.acme.example", timeout, HoldOff::threshold - 1);
  s.now += HoldOff::window;
  s.fail("_c.x.acme.example", timeout, HoldOff::threshold - 1);
  CHECK(s.probes().empty());
}

TEST_CASE("HoldOff: a hold-off that nobody meets is dropped") {
  Scene s;
  s.hold("acme.example");
  s.hold("beta.example");
  s.now += HoldOff::unused - 1s;
  CHECK_FALSE(s.asks("_c.x.beta.example"));
  s.now += 1s;
  const auto changes = s.names.forget(s.now);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].kind == Kind::forgotten);
  CHECK(changes[0].parent == dns_name("acme.example"));
  CHECK(s.asks("_c.x.acme.example"));
  CHECK_FALSE(s.asks("_c.x.beta.example"));
}

TEST_CASE("HoldOff: everything is bounded") {
  Scene s;
  for (std::size_t i = 0; i < 2 * HoldOff::max_counted; ++i)
    s.learn("_c.x.z" + std::to_string(i) + ".example", timeout);
  CHECK(s.names.counted() == HoldOff::max_counted);

  std::size_t most = 0;
  for (std::size_t i = 0; i < 2 * HoldOff::max_held; ++i) {
    s.fail("_c.x.dead" + std::to_string(i) + ".example");
    const auto probes = s.names.take_probes(s.now);
    most = std::max(most, probes.size());
    for (const auto& parent : probes)
      s.names.probed(parent, timeout, s.now);
  }
  CHECK(s.names.held() == HoldOff::max_held);
  s.now += HoldOff::probe_every;
  CHECK(s.probes().size() == HoldOff::max_probes);
}

TEST_CASE("HoldOff: released by an operator, a domain is asked for again, and may be held off anew") {
  Scene s;
  s.hold("acme.example");
  s.hold("beta.example");
  s.now += 7s;
  CHECK_FALSE(s.asks("_c.mta1.acme.example"));
  const auto changes = s.names.release(dns_name("_c.mta1.acme.example"), s.now);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].kind == Kind::forgotten);
  CHECK(changes[0].parent.text() == "acme.example");
  CHECK(changes[0].refused == 1);
  CHECK(s.asks("_c.mta1.acme.example"));
  CHECK_FALSE(s.asks("_c.mta1.beta.example"));
  CHECK(s.names.release(dns_name("_c.mta1.acme.example"), s.now).empty());

  s.fail("_c.mta1.acme.example", timeout, HoldOff::threshold - 1);
  CHECK(s.asks("_c.mta2.acme.example"));
  s.names.release(dns_name("_c.mta2.acme.example"), s.now); // what was counted counts no more
  s.fail("_c.mta1.acme.example", timeout, HoldOff::threshold - 1);
  CHECK_FALSE(s.names.wants_probes());
  s.fail("_c.mta1.acme.example", timeout, 1);
  CHECK(s.names.wants_probes());
}

TEST_CASE("HoldOff: what is held off can be listed") {
  Scene s;
  CHECK(s.names.held_zones(s.now).empty());
  s.hold("beta.example");
  s.hold("acme.example");
  s.now += 2s;
  CHECK_FALSE(s.asks("_c.mta1.acme.example"));
  auto zones = s.names.held_zones(s.now);
  REQUIRE(zones.size() == 2);
  CHECK(zones[0].parent.text() == "acme.example");
  CHECK(zones[0].lasted == 2s);
  CHECK(zones[0].refused == 1);
  CHECK(zones[0].next_probe == 3s);
  CHECK(zones[0].last == timeout);
  CHECK(zones[1].parent.text() == "beta.example");
  CHECK(zones[1].refused == 0);
  s.now += 3s;
  CHECK(s.names.held_zones(s.now)[0].next_probe == 0s);
  CHECK(s.probes().size() == 2);
  CHECK(s.names.probes() == 2);
  CHECK_FALSE(s.names.held_zones(s.now)[0].next_probe); // under way
}
