#include "daemon/dns/lookup_engine.h"

#include "tests/dns/recorded_answers.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <stdexcept>

using namespace danegate;
using namespace danegate::test;
using namespace std::chrono_literals;
using dns::Freshness;

namespace {

struct Asked {
  std::string name;
  std::uint16_t type;
  dns::Continuation then;
};

/// Answers when the test says so.
class FakeContext final : public dns::ResolverContext {
public:
  void ask(const std::string& name, std::uint16_t type, dns::Continuation then) override {
    asked.push_back({name, type, std::move(then)});
  }

  bool idle() const noexcept override { return asked.empty(); }

  bool stopped() const noexcept override { return is_stopped; }

  void give_up() override { given_up = true; }

  void close() override { is_closed = true; }

  void answer(const dns::UnboundReply& reply) {
    auto first = std::move(asked.front());
    asked.erase(asked.begin());
    first.then(reply);
  }

  std::vector<Asked> asked;
  bool is_stopped = false;
  bool given_up = false;
  bool is_closed = false;
};

struct Bench {
  boost::asio::io_context loop{1};
  dns::LookupEngine::Clock::time_point now{};
  std::vector<std::weak_ptr<FakeContext>> made; ///< [0] is the main context, the others are fresh ones
  std::vector<dns::ThreadPriority> priorities;  ///< of these
  bool none_can_be_made = false;
  std::vector<std::string> warnings;
  std::vector<std::string> told;
  std::shared_ptr<dns::LookupEngine> engine;

  Bench() {
    engine = dns::LookupEngine::make(loop, {.timeout = 1h, .min_ttl = 30s, .max_ttl = 3600s},
                                     {.make_context = [this](dns::ThreadPriority priority) { return make(priority); },
                                      .warn = [this](std::string_view text) { warnings.emplace_back(text); },
                                      .now = [this] { return now; }});
  }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  ~Bench() { engine->close(); }

  std::shared_ptr<dns::ResolverContext> make(dns::ThreadPriority priority) {
    if (none_can_be_made) throw std::runtime_error("no descriptors left");
    priorities.push_back(priority);
    auto context = std::make_shared<FakeContext>();
    made.push_back(context);
    return context;
  }

  std::shared_ptr<FakeContext> context(std::size_t index) const {
    auto found = made.at(index).lock();
    REQUIRE(found);
    return found;
  }

  void resolve(const std::string& name, Freshness freshness) {
    engine->resolve(
        core::DnsName::parse(name).value(), freshness,
        [this](const core::AnswerPtr& answer) { told.emplace_back(core::state_of(*answer)); }, nullptr);
  }

  void resolve(const RecordedAnswer& recorded, Freshness freshness = Freshness::any) {
    resolve(recorded.name.text(), freshness);
  }
};

constexpr std::uint16_t type_soa = 6, type_tlsa = 52;

} // namespace

TEST_CASE("LookupEngine: the main context is asked, and its reply folded") {
  Bench bench;
  const auto one = recorded_answer("one");
  bench.resolve(one);
  const auto main = bench.context(0);
  REQUIRE(main->asked.size() == 1);
  CHECK(main->asked[0].name == one.name.text());
  CHECK(main->asked[0].type == type_tlsa);
  CHECK(bench.engine->in_flight() == 1);
  main->answer(one.whole());
  CHECK(bench.told == std::vector<std::string>{"secure"});
  CHECK(bench.engine->in_flight() == 0);
  CHECK(bench.made.size() == 1); // no fresh context without need
}

TEST_CASE("LookupEngine: a fresh context lives for min-ttl") {
  Bench bench;
  const auto one = recorded_answer("one");

  struct Row {
    std::chrono::seconds at;
    std::size_t context;
  };

  const Row rows[] = {{0s, 1}, {29s, 1}, {30s, 2}, {31s, 2}, {59s, 2}, {500s, 3}};
  for (const auto& row : rows) {
    INFO(row.at.count());
    bench.now = dns::LookupEngine::Clock::time_point() + row.at;
    bench.resolve(one, Freshness::fresh);
    REQUIRE(bench.made.size() == row.context + 1);
    bench.context(row.context)->answer(one.whole());
  }
  CHECK(bench.made[1].expired()); // replaced while idle: gone
  CHECK(bench.made[2].expired());
}

TEST_CASE("LookupEngine: a name stays with the fresh context for max-ttl, others do not") {
  Bench bench;
  const auto one = recorded_answer("one");
  const auto two = recorded_answer("two");
  bench.resolve(one, Freshness::fresh);
  bench.context(1)->answer(one.whole());
  bench.now += 3599s;
  bench.resolve(one);
  bench.resolve(two);
  CHECK(bench.context(0)->asked.size() == 1);
  CHECK(bench.context(0)->asked[0].name == two.name.text());
  bench.context(2)->answer(one.whole());
  bench.now += 1s;
  bench.resolve(one);
  CHECK(bench.context(0)->asked.size() == 2);
}

TEST_CASE("LookupEngine: after a bogus answer the names of its domain have a context of their own, for a while") {
  Bench bench;
  dns::UnboundReply bogus;
  bogus.bogus = true;
  bench.resolve("_smtp-client.m1.trap.example", Freshness::any);
  bench.context(0)->answer(bogus);
  CHECK(bench.told == std::vector<std::string>{"bogus"});

  struct Row {
    const char* what;
    std::chrono::seconds at;
    const char* name;
    Freshness freshness;
    std::size_t context;
  };

  dns::UnboundReply failing;
  failing.rcode = 2; // SERVFAIL
  const auto window = std::chrono::seconds(dns::LookupEngine::suspect_window);
  const Row rows[] = {
      {"another name of the domain", 1s, "_smtp-client.m2.trap.example", Freshness::any, 1},
      {"the domain itself", 1s, "trap.example", Freshness::any, 1},
      {"another domain", 1s, "_smtp-client.mta1.honest.example", Freshness::any, 0},
      {"one that only ends alike", 1s, "_smtp-client.m1.bear-trap.example", Freshness::any, 0},
      {"fresh answers are the fresh context's", 1s, "_smtp-client.m3.trap.example", Freshness::fresh, 2},
      {"the last moment", window - 1s, "_smtp-client.m4.trap.example", Freshness::any, 1},
      {"after that", window, "_smtp-client.m5.trap.example", Freshness::any, 0},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    bench.now = dns::LookupEngine::Clock::time_point() + row.at;
    bench.resolve(row.name, row.freshness);
    const auto asked = bench.context(row.context);
    REQUIRE(asked->asked.size() == 1);
    CHECK(asked->asked[0].name == row.name);
    asked->answer(failing);
  }
  CHECK(bench.made.size() == 3);
  using enum dns::ThreadPriority;
  CHECK(bench.priorities == std::vector<dns::ThreadPriority>{usual, low, usual});
}

TEST_CASE("LookupEngine: a context for a suspect domain that has stopped is replaced, and closed with the others") {
  Bench bench;
  dns::UnboundReply bogus;
  bogus.bogus = true;
  bench.resolve("_smtp-client.m1.trap.example", Freshness::any);
  bench.context(0)->answer(bogus);
  bench.resolve("_smtp-client.m2.trap.example", Freshness::any);
  bench.context(1)->answer(bogus); // which goes on to be suspect
  bench.context(1)->is_stopped = true;
  bench.resolve("_smtp-client.m3.trap.example", Freshness::any);
  REQUIRE(bench.made.size() == 3);
  CHECK(bench.warnings.size() == 1);
  const auto aside = bench.context(2);
  REQUIRE(aside->asked.size() == 1);
  CHECK(bench.priorities.back() == dns::ThreadPriority::low);
  bench.engine->close();
  CHECK(aside->is_closed);
}

TEST_CASE("LookupEngine: a replaced context finishes what it began") {
  Bench bench;
  const auto one = recorded_answer("one");
  const auto two = recorded_answer("two");
  bench.resolve(one, Freshness::fresh);
  bench.now += 30s;
  bench.resolve(two, Freshness::fresh);
  REQUIRE(bench.made.size() == 3);
  bench.context(1)->answer(one.whole());
  CHECK(bench.told == std::vector<std::string>{"secure"});
  CHECK(bench.made[1].expired());
}

TEST_CASE("LookupEngine: replaced contexts do not pile up") {
  Bench bench;
  std::vector<std::shared_ptr<FakeContext>> kept;
  constexpr auto limit = dns::LookupEngine::max_retired;
  for (std::size_t i = 0; i < limit + 3; ++i) {
    bench.resolve("n" + std::to_string(i) + ".example", Freshness::fresh);
    kept.push_back(bench.context(i + 1));
    bench.now += 30s;
  }
  const auto given_up = std::ranges::count(kept, true, &FakeContext::given_up);
  CHECK(given_up == 2); // limit + 3 made, of which one is in use and `limit` may be retired
  CHECK(kept[0]->given_up);
  CHECK(kept[1]->given_up);
}

TEST_CASE("LookupEngine: opt-out is absence only if the zone's SOA proves secure") {
  const auto denial = recorded_answer("nxdomain-opt-out");
  dns::UnboundReply secure;
  secure.secure = secure.havedata = true;
  dns::UnboundReply insecure;
  insecure.havedata = true;
  dns::UnboundReply bogus = secure;
  bogus.bogus = true;
  dns::UnboundReply error = secure;
  error.error = "out of memory";
  dns::UnboundReply nothing;
  nothing.secure = true;

  struct Row {
    const char* what;
    dns::UnboundReply soa;
    const char* told;
  };

  const Row rows[] = {{"secure", secure, "absent"},
                      {"insecure", insecure, "insecure"},
                      {"bogus", bogus, "insecure"},
                      {"an error", error, "insecure"},
                      {"no SOA there", nothing, "insecure"}};
  for (const auto freshness : {Freshness::any, Freshness::fresh}) {
    for (const auto& row : rows) {
      INFO(row.what);
      Bench bench;
      bench.resolve(denial, freshness);
      const auto asked = bench.context(freshness == Freshness::any ? 0 : 1);
      asked->answer(denial.whole());
      CHECK(bench.told.empty());
      REQUIRE(asked->asked.size() == 1);
      CHECK(asked->asked[0].name == "optout.example");
      CHECK(asked->asked[0].type == type_soa);
      asked->answer(row.soa);
      CHECK(bench.told == std::vector<std::string>{row.told});
    }
  }
}

TEST_CASE("LookupEngine: no fresh context can be made: a failure, told later and warned about") {
  Bench bench;
  bench.none_can_be_made = true;
  bench.resolve("a.example", Freshness::fresh);
  CHECK(bench.told.empty());
  bench.loop.poll();
  CHECK(bench.told == std::vector<std::string>{"failed"});
  CHECK(bench.warnings == std::vector<std::string>{"no descriptors left"});
  CHECK(bench.engine->in_flight() == 0);
  bench.none_can_be_made = false;
  bench.resolve("a.example", Freshness::fresh);
  CHECK(bench.made.size() == 2);
}

TEST_CASE("LookupEngine: a context that has stopped is replaced") {
  Bench bench;
  bench.resolve("a.example", Freshness::fresh);
  const auto main = bench.context(0);
  const auto fresh = bench.context(1);
  main->is_stopped = fresh->is_stopped = true;
  bench.resolve("b.example", Freshness::any);
  bench.resolve("c.example", Freshness::fresh);
  CHECK(main->asked.empty());
  CHECK(fresh->asked.size() == 1);
  CHECK(bench.context(2)->asked.size() == 1);
  CHECK(bench.context(3)->asked.size() == 1);
  CHECK(bench.warnings.size() == 1);
}

TEST_CASE("LookupEngine: closing closes every context and tells every waiter") {
  Bench bench;
  bench.resolve("a.example", Freshness::any);
  bench.resolve("b.example", Freshness::fresh);
  bench.now += 30s;
  bench.resolve("c.example", Freshness::fresh);
  std::vector<std::shared_ptr<FakeContext>> contexts;
  for (std::size_t i = 0; i < bench.made.size(); ++i)
    contexts.push_back(bench.context(i));
  REQUIRE(contexts.size() == 3);
  bench.engine->close();
  CHECK(bench.told == std::vector<std::string>{"failed", "failed", "failed"});
  for (const auto& context : contexts)
    CHECK(context->is_closed);
}

TEST_CASE("LookupEngine: a forgotten name is asked in a context that knows nothing; others stay where they are") {
  Bench bench;
  const auto one = recorded_answer("one");
  const auto two = recorded_answer("two");
  bench.resolve(one);
  bench.context(0)->answer(one.whole());
  bench.engine->forget(one.name);
  bench.resolve(two);
  CHECK(bench.context(0)->asked.size() == 1);
  bench.resolve(one); // whatever the main context knows
  REQUIRE(bench.made.size() == 2);
  bench.context(1)->answer(one.whole());

  bench.now += 1s;
  bench.resolve(one, Freshness::fresh); // within min-ttl
  CHECK(bench.made.size() == 2);
  bench.context(1)->answer(one.whole());
  bench.engine->forget(one.name);
  bench.engine->forget(one.name);
  CHECK(bench.made.size() == 2); // not before something is asked
  bench.resolve(one);
  REQUIRE(bench.made.size() == 3);
  CHECK(bench.made[1].expired());
  CHECK(bench.context(2)->asked.size() == 1);
}

TEST_CASE("LookupEngine: names forgotten one after the other cost nobody's lookup") {
  Bench bench;
  std::vector<std::shared_ptr<FakeContext>> kept;
  constexpr auto limit = dns::LookupEngine::max_retired;
  for (std::size_t i = 0; i < limit + 5; ++i) {
    const auto name = "n" + std::to_string(i) + ".example";
    bench.engine->forget(core::DnsName::parse(name).value());
    bench.resolve(name, Freshness::any);
    if (bench.made.size() > kept.size() + 1) kept.push_back(bench.context(kept.size() + 1));
  }
  CHECK(kept.size() == limit + 1); // the last one stays
  CHECK(std::ranges::count(kept, true, &FakeContext::given_up) == 0);
  CHECK(kept.back()->asked.size() == 5);
}

TEST_CASE("LookupEngine: everything forgotten") {
  Bench bench;
  const auto one = recorded_answer("one");
  bench.resolve("busy.example", Freshness::any);
  const auto old = bench.context(0);
  bench.resolve(one, Freshness::fresh);
  bench.context(1)->answer(one.whole());
  bench.engine->forget_all();
  bench.resolve(one); // no longer bound to the fresh context
  REQUIRE(bench.made.size() == 3);
  bench.context(2)->answer(one.whole());
  bench.resolve(one, Freshness::fresh);
  CHECK(bench.made.size() == 4);
  CHECK(old->asked.size() == 1); // finishes what it began
  old->answer(one.whole());
  CHECK(bench.told.size() == 3);

  bench.none_can_be_made = true;
  CHECK_THROWS_AS(bench.engine->forget_all(), std::runtime_error);
  bench.none_can_be_made = false;
  bench.resolve("later.example", Freshness::any);
  CHECK(bench.context(2)->asked.size() == 1); // as before
}
