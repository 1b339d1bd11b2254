#include "daemon/dns/lookup_table.h"

#include "tests/support/catch.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>

using namespace danegate;
using namespace std::chrono_literals;

namespace {

core::AnswerPtr absent() {
  return std::make_shared<const core::TlsaAnswer>(core::TlsaAnswer{core::Absent{}, 60s});
}

core::AnswerPtr failure() {
  return std::make_shared<const core::TlsaAnswer>(
      core::TlsaAnswer{core::Failed{core::FailureKind::server_failure, "test"}, {}});
}

dns::LookupKey key(const std::string& name, dns::Freshness freshness = dns::Freshness::any) {
  return {core::DnsName::parse(name).value(), freshness};
}

/// "absent", "failed timeout", "failed server failure"...
std::string word(const core::AnswerPtr& answer) {
  const auto* const failed = std::get_if<core::Failed>(&answer->outcome);
  if (failed == nullptr) return std::string(core::state_of(*answer));
  return failed->kind == core::FailureKind::timeout ? "timeout" : failed->why;
}

struct Bench {
  boost::asio::io_context loop{1};
  std::shared_ptr<dns::LookupTable> table;
  std::vector<std::string> told;

  explicit Bench(std::chrono::milliseconds timeout = 1h) : table(dns::LookupTable::make(loop, timeout)) {}

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  ~Bench() { table->close(failure()); }

  dns::AnswerHandler teller(const std::string& who) {
    return [this, who](core::AnswerPtr answer) { told.push_back(who + " " + word(answer)); };
  }

  bool join(const dns::LookupKey& wanted, const std::string& who, dns::Lease lease = nullptr) {
    return table->join(wanted, teller(who), std::move(lease));
  }
};

} // namespace

TEST_CASE("LookupTable: equal lookups are one, and everybody is told") {
  Bench bench;
  CHECK(bench.join(key("a.example"), "first"));
  CHECK_FALSE(bench.join(key("a.example"), "second"));
  CHECK(bench.join(key("a.example", dns::Freshness::fresh), "fresh"));
  CHECK(bench.join(key("b.example"), "other"));
  CHECK(bench.table->size() == 3);
  bench.table->finish(key("a.example"), absent());
  CHECK(bench.told == std::vector<std::string>{"first absent", "second absent"});
  CHECK(bench.table->size() == 2);
  CHECK(bench.join(key("a.example"), "again")); // what is finished is asked anew
}

TEST_CASE("LookupTable: time is up for the waiter; lookup and leases stay until the end") {
  Bench bench(1ms);
  auto lease = std::make_shared<int>(0);
  const std::weak_ptr<int> held = lease;
  bench.join(key("a.example"), "first", std::move(lease));
  bench.loop.run();
  CHECK(bench.told == std::vector<std::string>{"first timeout"});
  CHECK(bench.table->size() == 1);
  CHECK_FALSE(held.expired());
  CHECK_FALSE(bench.join(key("a.example"), "second")); // the lookup goes on: no other is started
  bench.table->finish(key("a.example"), absent());
  CHECK(bench.told == std::vector<std::string>{"first timeout", "second absent"});
  CHECK(held.expired());
}

TEST_CASE("LookupTable: late answers, unless they are failures or somebody still waits") {
  struct Row {
    const char* what;
    bool somebody_waits;
    core::AnswerPtr answer;
    std::vector<std::string> late;
  };

  const Row rows[] = {
      {"an answer", false, absent(), {"a.example absent"}},
      {"a failure", false, failure(), {}},
      {"somebody waits", true, absent(), {}},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    Bench bench(1ms);
    std::vector<std::string> late;
    bench.table->set_late_answer_handler([&](const core::DnsName& name, const core::AnswerPtr& answer) {
      late.push_back(name.text() + " " + word(answer));
    });
    bench.join(key("a.example"), "first");
    bench.loop.run();
    if (row.somebody_waits) bench.join(key("a.example"), "second");
    bench.table->finish(key("a.example"), row.answer);
    CHECK(late == row.late);
  }
}

TEST_CASE("LookupTable: nobody is told that time is up before their own time is") {
  using Clock = std::chrono::steady_clock;
  constexpr auto timeout = 20ms;
  Bench bench(timeout);
  std::vector<Clock::duration> waited;
  const auto join_timed = [&] {
    const auto joined = Clock::now();
    return bench.table->join(
        key("a.example"), [&, joined](const core::AnswerPtr&) { waited.push_back(Clock::now() - joined); }, nullptr);
  };
  CHECK(join_timed());
  std::this_thread::sleep_for(timeout / 2);
  CHECK_FALSE(join_timed());
  CHECK(bench.join(key("b.example"), "answered"));
  bench.table->finish(key("b.example"), absent());
  bench.loop.run();
  REQUIRE(waited.size() == 2);
  CHECK(waited[0] >= timeout);
  CHECK(waited[1] >= timeout);
  CHECK(bench.told == std::vector<std::string>{"answered absent"});
}

TEST_CASE("LookupTable: the slot is free before anybody is told") {
  Bench bench;
  auto lease = std::make_shared<int>(0);
  const std::weak_ptr<int> held = lease;
  bool free = false;
  CHECK(bench.table->join(
      key("a.example"), [&](const core::AnswerPtr&) { free = held.expired() && bench.table->size() == 0; },
      std::move(lease)));
  bench.table->finish(key("a.example"), absent());
  CHECK(free);
}

TEST_CASE("LookupTable: a handler may ask again") {
  Bench bench;
  bool is_new = false;
  CHECK(bench.table->join(
      key("a.example"), [&](const core::AnswerPtr&) { is_new = bench.join(key("a.example"), "again"); }, nullptr));
  bench.table->finish(key("a.example"), absent());
  CHECK(is_new);
  bench.table->finish(key("a.example"), absent());
  CHECK(bench.told == std::vector<std::string>{"again absent"});
}

TEST_CASE("LookupTable: close() tells everybody, those of an answer half told as well, each once") {
  Bench bench;
  CHECK(bench.table->join(
      key("a.example"), [&](const core::AnswerPtr&) { bench.table->close(failure()); }, nullptr));
  bench.join(key("a.example"), "second");
  bench.join(key("b.example"), "other");
  bench.table->finish(key("a.example"), absent());
  std::ranges::sort(bench.told);
  CHECK(bench.told == std::vector<std::string>{"other test", "second absent"});
  CHECK(bench.table->size() == 0);
  CHECK_FALSE(bench.join(key("c.example"), "too late"));
  CHECK(bench.told.size() == 2); // not inside join()
  bench.loop.run();
  CHECK(bench.told.back() == "too late test");
}

TEST_CASE("LookupTable: closed with timers pending, and gone") {
  Bench bench(1ms);
  bench.join(key("a.example"), "first");
  bench.table->close(failure());
  const std::weak_ptr<dns::LookupTable> gone = bench.table;
  bench.table = dns::LookupTable::make(bench.loop, 1h);
  CHECK(gone.expired());
  bench.loop.run();
  CHECK(bench.told == std::vector<std::string>{"first test"});
}

TEST_CASE("LookupTable: a handler that throws takes nobody's answer away") {
  Bench bench;
  CHECK(bench.table->join(
      key("a.example"), [](const core::AnswerPtr&) { throw std::runtime_error("a handler's own error"); }, nullptr));
  bench.join(key("a.example"), "second");
  CHECK_THROWS_AS(bench.table->finish(key("a.example"), absent()), std::runtime_error);
  bench.loop.poll();
  CHECK(bench.told == std::vector<std::string>{"second absent"});
}

TEST_CASE("LookupTable: finishing what nobody asked does nothing") {
  Bench bench;
  bench.table->finish(key("a.example"), absent());
  CHECK(bench.told.empty());
}
