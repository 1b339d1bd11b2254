#include "policy/server.h"

#include "tests/policy/policy_house.h"
#include "tests/support/catch.h"

#include <sys/resource.h>

using namespace danegate;
using namespace std::chrono_literals;
using test::Client;
using test::House;
using test::numbered;
using test::reply_to;

TEST_CASE("server: many requests on one connection, in order, whole or in one write or octet by octet") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  Client client{where};
  std::string expected;
  std::string together;
  for (int i = 0; i < 50; ++i) {
    const std::string id = std::to_string(i);
    client.send(numbered(id));
    expected += reply_to(id);
    REQUIRE(house.answered(client, expected));
    together += numbered("t" + id);
  }
  client.send(together);
  for (int i = 0; i < 50; ++i)
    expected += reply_to("t" + std::to_string(i));
  REQUIRE(house.answered(client, expected));
  for (const char octet : numbered("slowly")) {
    client.send({&octet, 1});
    house.settle();
  }
  CHECK(house.answered(client, expected + reply_to("slowly")));
  CHECK(house.server->connections() == 1);
  CHECK(house.events().empty());
}

TEST_CASE("server: unix and inet listeners together") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  auto inet = House::open({config::Listen::Kind::inet, "127.0.0.1", 0});
  const auto where4 = service::bound_address(inet.descriptor()).value();
  house.server->add_listener(std::move(inet));
  Client one{where};
  Client two{where4};
  one.send(numbered("1"));
  two.send(numbered("2"));
  CHECK(house.answered(two, reply_to("2")));
  CHECK(house.answered(one, reply_to("1")));
}

TEST_CASE("server: a client that half-closes gets its replies, then EOF") {
  for (const int requests : {1, 3}) {
    INFO(requests);
    House house;
    const auto where = house.box.socket("policy");
    house.listen(where);
    house.responder.slow = {"0"};
    Client client{where};
    std::string expected;
    for (int i = 0; i < requests; ++i) {
      client.send(numbered(std::to_string(i)));
      expected += reply_to(std::to_string(i));
    }
    client.half_close();
    REQUIRE(house.until([&]() { return !house.responder.asked.empty(); }));
    house.settle();
    CHECK_FALSE(client.ended());
    house.responder.release();
    CHECK(house.until([&]() { return client.ended(); }));
    CHECK(client.received() == expected);
    CHECK(house.until([&]() { return house.server->connections() == 0; }));
    CHECK(house.events().empty());
  }
}

TEST_CASE("server: a malformed request closes its connection, with one warning, and nobody else notices") {
  struct Row {
    const char* label;
    std::string text;
    std::string cause;
    std::string rule;
  };

  using namespace std::string_literals;
  const std::string head = "request=smtpd_access_policy\n";
  std::string many;
  for (int i = 0; i < 300; ++i)
    many += "a" + std::to_string(i) + "=\n";
  const Row rows[]{
      {"no =", head + "sender\n\n", "no-equals-sign", "name=value"},
      {"HTTP", "GET / HTTP/1.1\r\n\r\n", "no-equals-sign", "name=value"},
      {"NUL", head + "sender=\0\n\n"s, "nul-octet", "NUL"},
      {"long line", head + "sender=" + std::string(10000, 'x') + "\n\n", "line-too-long", "8192"},
      {"many attributes", head + many + "\n", "too-many-attributes", "200"},
      {"large", head + "a=" + std::string(5000, 'x') + "\n\n", "too-large", "limits.request-bytes"},
      {"other request", "request=junk\n\n", "wrong-request", "smtpd_access_policy"},
      {"injected", numbered("1").insert(head.size(), "helo_name=another\n"), "contradiction", "twice"},
      {"binary", std::string("\x16\x03\x01\x02\x00", 5) + std::string(200, '\xFE'), "nul-octet", "NUL"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    House house;
    if (row.cause == "too-large") {
      house.config->limits.request_bytes = 4096;
    }
    const auto where = house.box.socket("policy");
    house.listen(where);
    Client neighbour{where};
    neighbour.send(numbered("1"));
    REQUIRE(house.answered(neighbour, reply_to("1")));
    for (int i = 0; i < 3; ++i) {
      Client client{where};
      client.send(numbered("good") + row.text + numbered("never"));
      CHECK(house.until([&]() { return client.ended(); }));
      CHECK(client.received() == reply_to("good"));
    }
    neighbour.send(numbered("2"));
    CHECK(house.answered(neighbour, reply_to("1") + reply_to("2")));
    const auto events = house.events();
    REQUIRE(events.size() == 1); // of three: limited
    for (const std::string& part :
         {"level=warning"s, "event=policy-request"s, "cause=" + row.cause, row.rule, "listener=" + where.text()}) {
      INFO(part);
      CHECK(events[0].contains(part));
    }
  }
}

TEST_CASE("server: hanging up") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);

  SECTION("without a word: no event") {
    { Client client{where}; }
    Client second{where};
    REQUIRE(house.until([&]() { return house.server->connections() == 1; }));
    second.hang_up();
    CHECK(house.until([&]() { return house.server->connections() == 0; }));
    CHECK(house.events().empty());
  }
  SECTION("between requests: no event") {
    Client client{where};
    client.send(numbered("1"));
    REQUIRE(house.answered(client, reply_to("1")));
    client.hang_up();
    CHECK(house.until([&]() { return house.server->connections() == 0; }));
    CHECK(house.events().empty());
  }
  SECTION("in mid-request: a warning") {
    Client client{where};
    client.send(numbered("1").substr(0, 100));
    REQUIRE(house.until([&]() { return house.server->connections() == 1; }));
    house.settle();
    client.hang_up();
    CHECK(house.until([&]() { return house.server->connections() == 0; }));
    REQUIRE(house.events().size() == 1);
    CHECK(house.events()[0].contains("cause=unfinished"));
  }
  SECTION("while being judged: nothing happens until the verdict") {
    house.responder.slow = {"1"};
    Client client{where};
    client.send(numbered("1"));
    REQUIRE(house.until([&]() { return !house.responder.asked.empty(); }));
    client.hang_up();
    house.settle();
    CHECK(house.server->connections() == 1);
    house.responder.release();
    CHECK(house.until([&]() { return house.server->connections() == 0; }));
    CHECK(house.events().empty());
  }
}

TEST_CASE("server: an exception out of a verdict closes its connection, without a reply") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  house.responder.failing = {"bad"};
  house.responder.slow = {"bad"};
  Client neighbour{where};
  Client client{where};
  client.send(numbered("bad"));
  REQUIRE(house.until([&]() { return !house.responder.asked.empty(); }));
  house.responder.release();
  CHECK(house.until([&]() { return client.ended(); }));
  CHECK(client.received().empty());
  neighbour.send(numbered("1"));
  CHECK(house.answered(neighbour, reply_to("1")));
  REQUIRE(house.events().size() == 1);
  CHECK(house.events()[0].contains("level=error"));
  CHECK(house.events()[0].contains("no reply for bad"));
}

TEST_CASE("server: a reload changes the bound of the next request on a live connection") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  Client client{where};
  const std::string large = test::wire(test::attributes({{"queue_id", "L"}, {"stress", std::string(8000, 's')}}));
  client.send(large);
  REQUIRE(house.answered(client, reply_to("L")));
  house.config = test::policy_config();
  house.config->limits.request_bytes = 4096;
  client.send(numbered("1"));
  REQUIRE(house.answered(client, reply_to("L") + reply_to("1")));
  client.send(large);
  CHECK(house.until([&]() { return client.ended(); }));
}

TEST_CASE("server: accept() that fails for want of descriptors waits and goes on") {
  policy::ServerTiming timing = House::still();
  timing.accept_back_off = 20ms;
  House house{timing};
  const auto where = house.box.socket("policy");
  house.listen(where);
  Client first{where};
  first.send(numbered("1"));
  REQUIRE(house.answered(first, reply_to("1")));
  Client second{where};
  second.send(numbered("2"));

  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &old) == 0);
  const int lowest = ::dup(0); // the next free descriptor
  REQUIRE(lowest >= 0);
  ::close(lowest);
  const rlimit none{static_cast<rlim_t>(lowest), old.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  std::size_t turns = 0;
  const auto started = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - started < 100ms) {
    house.loop->restart();
    turns += house.loop->run_one_for(5ms);
  }
  first.send(numbered("3"));
  CHECK(house.answered(first, reply_to("1") + reply_to("3")));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &old) == 0);
  CHECK(house.answered(second, reply_to("2")));
  CHECK(turns < 100); // it did not spin
  REQUIRE(house.events().size() == 1);
  CHECK(house.events()[0].contains("event=policy-accept"));
  CHECK(house.events()[0].contains("suppressed") == false);
}
