// The roster's driver: what is asked ahead and how fast, what verdicts see of it, reload and another source.
#include "daemon/service/roster_keeper.h"
#include "tests/core/roster_scene.h"
#include "tests/service/authenticator_bench.h"
#include "tests/service/captured_log.h"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace danegate;
using namespace danegate::test;
using service::RosterKeeper;

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr const char* mta1 = "_smtp-client.mta1.acme.example";
constexpr const char* mta2 = "_smtp-client.mta2.acme.example";

Scene scene_naming(const std::vector<std::string>& names) {
  Scene scene;
  scene.rules = {naming("acme", names)};
  return scene;
}

/// A bench with a roster, whose rounds the test makes.
struct House {
  explicit House(const std::vector<std::string>& names = {"mta1.acme.example", "mta2.acme.example"})
      : bench(scene_naming(names)) {
    bench.roster_settings.refresh_per_second = 1000;
    bench.use({});
    keeper = RosterKeeper::make(never_run, log.log, real_ports().hash, [this] { return bench.now; });
    bench.authenticator().use_roster(keeper);
  }

  ~House() { bench.end_authenticator(); }

  /// One round after another for so long; the wall clock goes along.
  void pass(std::chrono::milliseconds time) {
    for (const auto end = steady + time; steady < end; steady += RosterKeeper::tick) {
      keeper->work(steady);
      bench.now += RosterKeeper::tick;
    }
  }

  std::size_t asked_for(const std::string& name) const {
    const auto names = bench.dns->names();
    return static_cast<std::size_t>(std::ranges::count(names, name));
  }

  std::size_t last_asked(const std::string& name) const {
    const auto names = bench.dns->names();
    for (std::size_t i = names.size(); i > 0; --i)
      if (names[i - 1] == name) return i - 1;
    throw std::logic_error(name + " was not asked for");
  }

  void finish(const std::string& name, const AnswerPtr& answer) { bench.finish(last_asked(name), answer); }

  std::size_t warnings(const std::string& text) {
    const auto lines = log.lines();
    return static_cast<std::size_t>(std::ranges::count_if(lines, [&](const std::string& line) {
      return line.starts_with("level=warning event=roster-record") && line.contains(text);
    }));
  }

  service::CapturedLog log;
  boost::asio::io_context never_run; ///< the keeper's own rounds would come in between, by the real clock
  Bench bench;
  std::shared_ptr<RosterKeeper> keeper;
  SteadyTime steady{std::chrono::hours{1}};
};

AnswerPtr two_keys(std::chrono::seconds ttl = 3600s) {
  return answer_of(Secure{{right_key(), other_key()}, 0, Wildcard::none}, ttl);
}

} // namespace

TEST_CASE("keeper: names are asked ahead, and a partner's mail waits for no lookup") {
  House h;
  h.pass(1s);
  CHECK(h.bench.dns->asked() == 2);
  CHECK(h.bench.dns->lookup(0).freshness == dns::Freshness::any);
  CHECK(h.keeper->refreshes() == 2);
  h.finish(mta1, two_keys());
  h.finish(mta2, absent());
  CHECK(h.keeper->refreshes() == 0);
  CHECK(words(h.bench.ask("mta1.acme.example")) == "pass match tag");
  const auto by_key = h.bench.ask("garbage");
  CHECK(words(by_key) == "pass match tag");
  CHECK(authenticated_identity(*by_key->decision, by_key->decision->outcome) == "mta1.acme.example");
  CHECK(h.bench.dns->asked() == 2);
}

TEST_CASE("keeper: DNS cut off: the right key passes for its TTL, not a second longer, then it is temperror") {
  for (const auto grace : {0s, 600s}) {
    INFO(grace.count());
    House h;
    h.bench.roster_settings.limits.ttl.grace = grace;
    h.bench.use({});
    h.bench.authenticator().reconfigure(h.bench.config, nullptr);
    h.pass(1s);
    const auto written = h.bench.now;
    h.finish(mta1, signed_answer({right_key(), other_key()}, 3600s, written + 10h));
    h.finish(mta2, signed_answer({other_key(), unusable_record()}, 3600s, written + 10h));
    // From here on every lookup times out.
    const auto silence = [&] {
      for (std::size_t i = 0; i < h.bench.dns->asked(); ++i)
        if (h.bench.dns->lookup(i).handler) h.bench.finish(i, failed(FailureKind::timeout));
    };
    const auto end = written + 3600s + grace;
    while (h.bench.now < end - 1s) {
      h.pass(std::min<std::chrono::milliseconds>(60s, end - 1s - h.bench.now));
      silence();
      const auto by_key = h.bench.ask("garbage");
      CHECK(words(by_key) == "pass match tag");
      CHECK(served_by_grace(*by_key->decision, by_key->decision->outcome) == (h.bench.now >= written + 3600s));
      CHECK(words(h.bench.ask("mta1.acme.example")) == "pass match tag");
    }
    h.bench.now = end - 1ms;
    CHECK(words(h.bench.ask("garbage")) == "pass match tag");
    h.bench.now = end;
    CHECK(words(h.bench.ask("garbage")) == "temperror dns-timeout defer");
    const auto claimed = h.bench.ask("mta1.acme.example");
    silence();
    CHECK(words(claimed) == "temperror dns-timeout defer");
  }
}

TEST_CASE("keeper: what is known is refreshed freshly and before its TTL ends; a removed record fails within it") {
  House h({"mta1.acme.example"});
  h.pass(1s);
  h.finish(mta1, two_keys(100s));
  h.pass(70s);
  CHECK(h.asked_for(mta1) == 1);
  h.pass(20s);
  REQUIRE(h.asked_for(mta1) == 2);
  CHECK(h.bench.dns->lookup(1).freshness == dns::Freshness::fresh);
  CHECK(words(h.bench.ask("garbage")) == "pass match tag");
  h.finish(mta1, absent());
  CHECK(words(h.bench.ask("garbage")) == "none no-name reject");
}

TEST_CASE("keeper: what a refresh learned counts in the cache, too") {
  House h({"mta1.acme.example"});
  const auto claimed = h.bench.ask("mta1.acme.example"); // before the first round
  h.finish(mta1, two_keys());
  CHECK(words(claimed) == "pass match tag");
  CHECK(words(h.bench.ask("garbage")) == "pass match tag"); // and what a verdict learned counts in the roster
  h.pass(2700s + 450s);
  h.finish(mta1, answer_of(Absent{}, 30s));
  h.bench.now += 31s; // the denial has expired, the record of before would not have
  const auto again = h.bench.ask("mta1.acme.example");
  CHECK(words(again) == "-");
  h.finish(mta1, failed(FailureKind::timeout));
  CHECK(words(again) == "temperror dns-timeout defer");
}

TEST_CASE("keeper: a steady rate, no burst, and a share of lookups of its own") {
  std::vector<std::string> names;
  for (int i = 0; i < 600; ++i)
    names.push_back("mta" + std::to_string(i) + ".acme.example");
  House h(names);
  h.bench.roster_settings.refresh_per_second = 50;
  h.bench.use({});
  h.bench.authenticator().reconfigure(h.bench.config, nullptr);
  for (int second = 0; second < 6; ++second) {
    const auto before = h.bench.dns->asked();
    h.pass(1s);
    CHECK(h.bench.dns->asked() - before <= 60);
    for (std::size_t i = before; i < h.bench.dns->asked(); ++i)
      h.bench.finish(i, two_keys());
  }
  CHECK(h.bench.dns->asked() >= 290);
  CHECK(h.bench.dns->asked() <= 310); // with two ticks' worth of burst
  h.pass(10s);                        // nobody answers any more
  CHECK(h.keeper->refreshes() == RosterKeeper::max_refreshes);
  config::Limits one;
  one.lookups = 1;
  h.bench.use(one);
  h.bench.authenticator().reconfigure(h.bench.config, nullptr);
  const auto claimed = h.bench.ask("mta599.acme.example");
  CHECK(words(claimed) == "-"); // the roster's lookups are not counted against the limits
}

TEST_CASE("keeper: a reload keeps what is still named and drops the rest") {
  House h;
  h.pass(1s);
  h.finish(mta1, two_keys());
  h.finish(mta2, two_keys());
  h.bench.scene = scene_naming({"mta2.acme.example", "mta3.acme.example"});
  const auto under_old = h.bench.question("garbage");
  const auto old_config = h.bench.config;
  h.bench.use({});
  h.bench.authenticator().reconfigure(h.bench.config, nullptr);
  CHECK(words(h.bench.ask("garbage")) == "pass match tag");
  const auto known = h.bench.dns->asked();
  h.pass(1s);
  REQUIRE(h.bench.dns->asked() == known + 1);
  CHECK(h.bench.dns->names().back() == "_smtp-client.mta3.acme.example");
  CHECK(h.keeper->roster()->counts().secure == 1);
}

TEST_CASE("keeper: another source drops every answer, and what was asked of the old one comes to nothing") {
  House h;
  h.pass(1s);
  h.finish(mta1, two_keys());
  const auto new_dns = FakeDns::make();
  const auto old_dns = std::exchange(h.bench.dns, new_dns);
  h.bench.use({});
  h.bench.authenticator().reconfigure(h.bench.config, new_dns->source());
  CHECK(words(h.bench.ask("garbage")) == "temperror dns-failure defer");
  old_dns->finish(1, two_keys()); // mta2, asked of the old anchors
  h.bench.turn();
  CHECK(words(h.bench.ask("garbage")) == "temperror dns-failure defer");
  CHECK(h.keeper->roster()->counts().unresolved == 2);
  h.pass(1s);
  CHECK(new_dns->asked() == 2);
}

TEST_CASE("keeper: a verdict that began before a reload sees doubt rather than nobody") {
  House h;
  h.pass(1s);
  h.finish(mta1, answer_of(Absent{}));
  h.finish(mta2, answer_of(Absent{}));
  const auto old_config = h.bench.config;
  const auto reader = h.keeper->reader(old_config);
  const auto& rule = old_config->rules->rules().front();
  const auto& smtp = old_config->rules->services().front();
  CHECK(reader->doubt(rule, smtp).unresolved == 0);
  h.bench.use({});
  h.bench.authenticator().reconfigure(h.bench.config, nullptr);
  CHECK(reader->doubt(rule, smtp).unresolved == 2);
}

TEST_CASE("keeper: a re-query that settles a mismatch updates the roster") {
  House h({"mta1.acme.example"});
  h.pass(1s);
  h.finish(mta1, answer_of(Secure{{other_key(), unusable_record()}, 0, Wildcard::none}, 3600s));
  const auto rolled = h.bench.ask("mta1.acme.example");
  REQUIRE(h.asked_for(mta1) == 2);
  CHECK(h.bench.dns->lookup(1).freshness == dns::Freshness::fresh);
  h.finish(mta1, two_keys());
  CHECK(words(rolled) == "pass match tag");
  CHECK(words(h.bench.ask("garbage")) == "pass match tag");
  CHECK(h.bench.dns->asked() == 2);
}

TEST_CASE("keeper: a mismatch against the roster is asked for again once per min-ttl and name") {
  House h({"mta1.acme.example"});
  h.pass(1s);
  h.finish(mta1, answer_of(Secure{{other_key(), unusable_record()}, 0, Wildcard::none}, 3600s));
  const auto first = h.bench.ask("mta1.acme.example");
  h.finish(mta1, answer_of(Secure{{other_key(), unusable_record()}, 0, Wildcard::none}, 3600s));
  CHECK(words(first) == "fail mismatch reject");
  CHECK(words(h.bench.ask("mta1.acme.example")) == "fail mismatch reject");
  CHECK(h.bench.dns->asked() == 2);
  h.bench.now += 31s;
  const auto third = h.bench.ask("mta1.acme.example");
  REQUIRE(h.bench.dns->asked() == 3);
  h.finish(mta1, failed(FailureKind::timeout));
  CHECK(words(third) == "temperror dns-timeout defer");
  CHECK(words(h.bench.ask("mta1.acme.example")) == "temperror dns-timeout defer"); // and it stands
}

TEST_CASE("keeper: warnings come once, with what they are about, and not by the thousand") {
  House h({"mta1.acme.example", "mx.beta.example", "mta3.acme.example"});
  h.pass(1s);
  h.finish(mta1, secure({right_key()}));
  CHECK(h.warnings("problem=single-record identity=mta1.acme.example owner=_smtp-client.mta1.acme.example") == 1);
  h.finish("_smtp-client.mx.beta.example", two_keys());
  CHECK(h.warnings("problem=shared identity=mx.beta.example owner=_smtp-client.mx.beta.example "
                   "other=mta1.acme.example") == 1);
  h.finish("_smtp-client.mta3.acme.example", absent());
  CHECK(h.warnings("problem=no-record identity=mta3.acme.example") == 1);
  h.pass(3200s);
  h.finish(mta1, secure({right_key()}));
  CHECK(h.warnings("mta1.acme.example") == 3); // single as before, and its key is another's, too
  h.finish("_smtp-client.mx.beta.example", signed_answer({right_key(), other_key()}, 3600s, h.bench.now + 40h));
  CHECK(h.warnings("problem=signatures-end identity=mx.beta.example") == 1);
  h.pass(300s);
  h.finish("_smtp-client.mta3.acme.example", secure({unusable_record(), unusable_record()}));
  CHECK(h.warnings("problem=unusable identity=mta3.acme.example") == 1);

  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i)
    names.push_back("mta" + std::to_string(i) + ".acme.example");
  House many(names);
  many.pass(1s);
  for (const auto& name : names)
    many.finish("_smtp-client." + name, absent());
  CHECK(many.warnings("problem=no-record") <= 31);
}

TEST_CASE("roster keeper: a flushed identity is refreshed, and known until then") {
  House house;
  house.pass(200ms);
  house.finish(mta1, matching());
  house.finish(mta2, absent());
  const auto name = dns_name(mta1);
  auto& authenticator = house.bench.authenticator();
  const auto asked = house.asked_for(mta1);
  CHECK(authenticator.flush(name).roster == 1);
  CHECK(words(house.bench.ask("elsewhere.example")) == "pass match tag"); // recognised by its key as ever
  const auto stored = authenticator.stored(name);
  CHECK(stored.in_roster);
  REQUIRE(stored.roster);
  CHECK(stored.roster_remaining > 0s);
  house.pass(200ms);
  CHECK(house.asked_for(mta1) == asked + 1);
  CHECK(house.bench.dns->lookup(house.last_asked(mta1)).freshness == dns::Freshness::fresh);
  CHECK(authenticator.lookups().roster == 1);
  house.finish(mta1, failed(FailureKind::timeout));
  CHECK(authenticator.stored(name).roster); // never "none" because nobody answered
  CHECK(authenticator.flush_all().roster == 2);
  CHECK(authenticator.roster_names() == 2);
}
