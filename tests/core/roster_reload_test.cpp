// A roster over reloads and restarts, and its refreshes.
#include "tests/core/roster_scene.h"
#include "tests/support/catch.h"

#include <algorithm>

using namespace danegate::core;
using namespace danegate::test;

namespace {

constexpr const char* mta1 = "_smtp-client.mta1.acme.example";
constexpr const char* mta2 = "_smtp-client.mta2.acme.example";

RosterScene two_names(RosterLimits limits = {}) {
  return RosterScene({naming("acme", {"mta1.acme.example", "mta2.acme.example"})}, limits);
}

AnswerPtr good(std::chrono::seconds ttl = 3600s) {
  return answer_of(Secure{{right_key(), other_key()}, 0, Wildcard::none}, ttl);
}

} // namespace

TEST_CASE("roster: a reload keeps what is still named and drops the rest") {
  RosterScene s({in_file("f", {"mta1.acme.example", "mta2.acme.example"})});
  s.take_all();
  s.store(mta1, good(100s));
  s.store(mta2, good(100s));
  const auto reload = [&](std::vector<Rule> rules) {
    s.rules = std::make_shared<const RuleSet>(std::vector<Service>{service_with("smtp", {"_smtp-client.{helo}"})},
                                              std::move(rules), std::vector<DnsName>{}, false);
    s.roster.use(plan_of(*s.rules, s.roster.plan()), s.limits, s.now);
  };
  s.now += 50s;
  reload({naming("other", {"mta2.acme.example"}), naming("new", {"mta3.acme.example"})});
  CHECK(s.state(mta1) == "-");
  CHECK(s.state(mta2) == "secure");
  CHECK(s.candidates() == std::vector<std::string>{"mta2.acme.example"});
  CHECK(s.unresolved(0) == 0);
  CHECK(s.unresolved(1) == 1);
  CHECK(s.take_all() == std::vector<std::string>{"_smtp-client.mta3.acme.example"});
  CHECK(s.roster.counts().secure == 1);
  reload({naming("other", {"mta1.acme.example", "mta2.acme.example"})});
  CHECK(s.state(mta1) == "-"); // dropped is dropped
  CHECK(s.take_all() == std::vector<std::string>{mta1});
  CHECK(s.unresolved() == 1);
  s.now += 50s;
  CHECK(s.unresolved() == 2);

  // A plan that does not build on the present one drops everything.
  s.store(mta1, good());
  s.roster.use(plan_of(*s.rules), s.limits, s.now);
  CHECK(s.state(mta1) == "-");
  CHECK(s.unresolved() == 2);
  CHECK(s.take_all().size() == 2);
}

TEST_CASE("roster: a reload before the first round is over loses no name of it") {
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i)
    names.push_back("mta" + std::to_string(i) + ".acme.example");
  RosterScene s({in_file("f", names)});
  for (int i = 0; i < 3; ++i)
    s.roster.take_due(s.now);
  names.emplace_back("last.acme.example");
  s.rules = std::make_shared<const RuleSet>(std::vector<Service>{service_with("smtp", {"_smtp-client.{helo}"})},
                                            std::vector<Rule>{in_file("f", names)}, std::vector<DnsName>{}, false);
  s.roster.use(plan_of(*s.rules, s.roster.plan()), s.limits, s.now);
  CHECK(s.take_all().size() == 8); // three are under way
}

TEST_CASE("roster: refreshes of names that were learned together are spread over an eighth of their life") {
  std::vector<std::string> names;
  for (int i = 0; i < 4000; ++i)
    names.push_back("mta" + std::to_string(i) + ".customer" + std::to_string(i) + ".example");
  RosterScene s({in_file("all", names)});
  s.take_all();
  for (const auto& name : names)
    s.store("_smtp-client." + name, good(800s));
  std::size_t busiest = 0;
  std::size_t all = 0;
  s.now += 599s;
  CHECK(s.take_all().empty());
  for (int second = 0; second < 102; ++second) {
    s.now += 1s;
    const auto due = s.take_all().size();
    busiest = std::max(busiest, due);
    all += due;
  }
  CHECK(all == 4000);
  CHECK(busiest < 80); // 40 a second on average
}

TEST_CASE("roster: what a state file says counts while it is valid, and only where nothing is known") {
  auto s = two_names();
  s.store(mta1, signed_answer({right_key(), other_key()}, 100s, s.now + 1000s));
  s.store(mta2, answer_of(Absent{}, 100s));
  const auto secure_record = s.roster.record_of(s.number(mta1), s.now).value();
  const auto absent_record = s.roster.record_of(s.number(mta2), s.now).value();

  struct Case {
    const char* label;
    std::chrono::seconds later;
    std::chrono::seconds max_ttl;
    const char* state;
  };

  for (const Case& c : {Case{"at once", 0s, 3600s, "secure"}, Case{"within its TTL", 99s, 3600s, "secure"},
                        Case{"after it", 100s, 3600s, "-"}, Case{"before it was written", -1s, 3600s, "-"},
                        Case{"dns.max-ttl is shorter now", 60s, 50s, "-"}}) {
    INFO(c.label);
    RosterLimits limits;
    limits.ttl.max_ttl = c.max_ttl;
    auto after = two_names(limits);
    after.now += c.later;
    after.roster.restore(after.number(mta1), secure_record, after.now);
    after.roster.restore(after.number(mta2), absent_record, after.now);
    CHECK(after.state(mta1) == c.state);
    CHECK(after.unresolved() ==
          (std::string(c.state) == "-" ? (c.label == std::string("dns.max-ttl is shorter now") ? 1U : 2U) : 0U));
  }
  s.now += 1s;
  s.store(mta1, absent());
  s.roster.restore(s.number(mta1), secure_record, s.now);
  CHECK(s.state(mta1) == "absent");
}
