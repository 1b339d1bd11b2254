#include "daemon/service/evidence_join.h"
#include "tests/core/builders.h"
#include "tests/support/catch.h"

#include <atomic>
#include <thread>
#include <vector>

using namespace danegate;
using namespace danegate::service;
using namespace std::chrono_literals;

namespace {

const EvidenceJoin::Time start{std::chrono::hours{1000}};

SessionKey key(const char* client = "192.0.2.1", const char* port = "4711") {
  return SessionKey::parse({client, port, "192.0.2.25", "25"}).value();
}

SessionEvidence told(std::string queue = {}) {
  SessionEvidence evidence;
  evidence.evidence.tls = true;
  evidence.service = "smtp";
  evidence.queue = std::move(queue);
  return evidence;
}

} // namespace

TEST_CASE("join: keys") {
  struct Row {
    const char* label;
    SessionKey::Texts texts;
    bool known;
  };

  const Row rows[]{
      {"all four", {"192.0.2.1", "4711", "192.0.2.25", "25"}, true},
      {"no client", {"", "4711", "192.0.2.25", "25"}, false},
      {"unknown client", {"unknown", "4711", "192.0.2.25", "25"}, false},
      {"unknown port", {"192.0.2.1", "unknown", "192.0.2.25", "25"}, false},
      {"port 0", {"192.0.2.1", "0", "192.0.2.25", "25"}, false},
      {"port too large", {"192.0.2.1", "65536", "192.0.2.25", "25"}, false},
      {"port with more behind", {"192.0.2.1", "25x", "192.0.2.25", "25"}, false},
      {"no server", {"192.0.2.1", "4711", "", "25"}, false},
      {"no server port", {"192.0.2.1", "4711", "192.0.2.25", ""}, false},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    CHECK(SessionKey::parse(row.texts).has_value() == row.known);
  }
}

TEST_CASE("join: the forms of an IPv6 address are one") {
  const auto plain = SessionKey::parse({"2001:db8::1", "4711", "::1", "25"});
  CHECK(plain == SessionKey::parse({"IPv6:2001:db8::1", "4711", "IPv6:::1", "25"}));
  CHECK(plain == SessionKey::parse({"2001:DB8:0:0::1", "4711", "0:0:0:0:0:0:0:1", "25"}));
  CHECK(SessionKey::parse({"::ffff:192.0.2.1", "4711", "192.0.2.25", "25"}) == key());
  CHECK(plain != key());
}

TEST_CASE("join: what is noted while the milter's connection is open is found by it alone") {
  EvidenceJoin join;
  join.note(key(), told(), start); // nobody waits
  const auto ticket = join.open(key()).value();
  CHECK_FALSE(join.find(ticket, "", start)); // what came before the connection was another session's
  join.note(key("192.0.2.2"), told(), start);
  join.note(key("192.0.2.1", "4712"), told(), start);
  CHECK_FALSE(join.find(ticket, "", start));
  join.note(key(), told(), start);
  REQUIRE(join.find(ticket, "", start));
  CHECK(join.find(ticket, "", start)->service == "smtp");
  join.close(ticket);
  CHECK(join.size() == 0);
  CHECK_FALSE(join.find(ticket, "", start));
}

TEST_CASE("join: a new connection under the same four drops what the older one left, and the older one gets nothing") {
  EvidenceJoin join;
  const auto older = join.open(key()).value();
  join.note(key(), told(), start);
  const auto newer = join.open(key()).value();
  CHECK_FALSE(join.find(newer, "", start));
  CHECK_FALSE(join.find(older, "", start));
  join.note(key(), told(), start);
  CHECK(join.find(newer, "", start));
  CHECK_FALSE(join.find(older, "", start));
  join.forget(older); // too late to have a say
  join.close(older);
  CHECK(join.find(newer, "", start));
  CHECK(join.size() == 1);
}

TEST_CASE("join: HELO drops what an earlier TLS state left") {
  EvidenceJoin join;
  const auto ticket = join.open(key()).value();
  join.note(key(), told(), start);
  join.forget(ticket);
  CHECK_FALSE(join.find(ticket, "", start));
  join.note(key(), told(), start);
  CHECK(join.find(ticket, "", start));
}

TEST_CASE("join: queue ids have to agree where both are known") {
  struct Row {
    const char* label;
    const char* told;
    const char* asked;
    bool found;
  };

  const Row rows[]{
      {"neither known", "", "", true},
      {"only ours known", "", "4Q1", true},
      {"only Postfix's known", "4Q1", "", true},
      {"both, alike", "4Q1", "4Q1", true},
      {"both, another message", "4Q1", "4Q2", false},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    EvidenceJoin join;
    const auto ticket = join.open(key()).value();
    join.note(key(), told(row.told), start);
    CHECK(join.find(ticket, row.asked, start).has_value() == row.found);
  }
}

TEST_CASE("join: evidence ages; bounded in number") {
  EvidenceJoin join;
  const auto ticket = join.open(key()).value();
  join.note(key(), told(), start);
  CHECK(join.find(ticket, "", start + EvidenceJoin::max_age - 1s));
  CHECK_FALSE(join.find(ticket, "", start + EvidenceJoin::max_age));

  for (std::size_t i = 1; i < EvidenceJoin::max_sessions; ++i)
    REQUIRE(join.open(key("198.51.100.1", std::to_string(i).c_str())));
  CHECK_FALSE(join.open(key("198.51.100.2")));
  CHECK(join.open(key())); // takes the place of the older one
  CHECK(join.size() == EvidenceJoin::max_sessions);
}

TEST_CASE("join: threads") {
  EvidenceJoin join;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const auto mine = key("192.0.2.1", std::to_string(1000 + t).c_str());
      for (int i = 0; i < 500; ++i) {
        const auto ticket = join.open(mine);
        join.note(mine, told(std::to_string(t)), start);
        const auto found = join.find(*ticket, "", start);
        if (!found || found->queue != std::to_string(t)) ++wrong;
        join.close(*ticket);
      }
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(wrong == 0);
  CHECK(join.size() == 0);
}
