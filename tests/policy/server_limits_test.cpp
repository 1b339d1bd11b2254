// Who may stay: time limits and the full house.
#include "policy/server.h"

#include "tests/policy/policy_house.h"
#include "tests/support/catch.h"

using namespace danegate;
using namespace std::chrono_literals;
using test::Client;
using test::House;
using test::numbered;
using test::reply_to;

namespace {

/// A connection that the server has accepted; the server has it before the next one.
std::unique_ptr<Client> arrive(House& house, const config::Listen& where) {
  const std::size_t before = house.server->connections();
  auto client = std::make_unique<Client>(where);
  REQUIRE(house.until([&]() { return house.server->connections() == before + 1; }));
  house.settle();
  house.now += 1ms;
  return client;
}

void ask(House& house, Client& client, const std::string& id) {
  const std::string expected = client.received() + reply_to(id);
  client.send(numbered(id));
  REQUIRE(house.answered(client, expected));
  house.now += 1ms;
}

} // namespace

TEST_CASE("server limits: thirty seconds for a first request, and for any in the middle") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  const auto silent = arrive(house, where);
  const auto partial = arrive(house, where);
  partial->send("request=smtpd");
  const auto second = arrive(house, where);
  ask(house, *second, "1");
  second->send("request=smtpd");
  house.settle();
  house.pass(29s);
  CHECK_FALSE(silent->ended());
  CHECK_FALSE(partial->ended());
  CHECK_FALSE(second->ended());
  house.pass(1s);
  CHECK(silent->ended());
  CHECK(partial->ended());
  CHECK(second->ended());
  CHECK(house.server->connections() == 0);
  const auto events = house.events();
  REQUIRE(events.size() == 1); // two of a kind; and who says nothing is no news
  CHECK(events[0].contains("cause=slow"));
}

TEST_CASE("server limits: one octet a second buys no time") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  const auto first = arrive(house, where);
  const auto later = arrive(house, where);
  ask(house, *later, "1");
  const std::string request = numbered("2");
  for (std::size_t second = 0; second < 30; ++second) {
    INFO(second);
    REQUIRE_FALSE(first->ended());
    REQUIRE_FALSE(later->ended());
    for (const auto* const client : {&first, &later})
      (*client)->send(request.substr(second, 1));
    house.settle();
    house.pass(1s);
  }
  CHECK(first->ended());
  CHECK(later->ended());
}

TEST_CASE("server limits: an idle connection stays for idle-timeout, and no longer") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  const auto client = arrive(house, where);
  ask(house, *client, "1");
  house.pass(6min);
  ask(house, *client, "2");
  house.pass(999s);
  CHECK_FALSE(client->ended());
  house.pass(1s);
  CHECK(client->ended());
  CHECK(house.events().empty());

  const auto another = arrive(house, where);
  ask(house, *another, "3");
  house.config = test::policy_config();
  house.config->policy.idle_timeout = 5s; // a reload
  house.pass(5s);
  CHECK(another->ended());
}

TEST_CASE("server limits: a connection that is being judged is never cut") {
  House house;
  house.responder.slow = {"1"};
  const auto where = house.box.socket("policy");
  house.listen(where);
  const auto client = arrive(house, where);
  client->send(numbered("1"));
  REQUIRE(house.until([&]() { return !house.responder.asked.empty(); }));
  house.pass(1h);
  CHECK_FALSE(client->ended());
  house.responder.release();
  CHECK(house.answered(*client, reply_to("1")));
}

TEST_CASE("server limits: a peer that does not read its reply") {
  House house;
  house.responder.padding = 8U << 20U; // more than the sockets hold
  const auto where = house.box.socket("policy");
  house.listen(where);
  const auto client = arrive(house, where);
  client->send(numbered("1"));
  REQUIRE(house.until([&]() { return !house.responder.asked.empty(); }));
  house.settle();
  house.pass(29s);
  CHECK(house.server->connections() == 1);
  house.pass(1s);
  CHECK(house.server->connections() == 0);
  REQUIRE(house.events().size() == 1);
  CHECK(house.events()[0].contains("cause=unread"));
}

TEST_CASE("server limits: a peer that asks on and on and reads no reply holds up nobody") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  const auto deaf = arrive(house, where);
  std::size_t sent = 0;
  while (house.responder.asked.size() == sent && sent < 20000) { // until its socket takes no reply any more
    deaf->send(numbered(std::to_string(sent++)));
    house.settle();
  }
  REQUIRE(sent < 20000);
  const auto other = arrive(house, where);
  other->send(numbered("other"));
  CHECK(house.until([&]() { return other->received() == reply_to("other"); }));
  house.pass(30s);
  CHECK(deaf->ended());
  CHECK(house.server->connections() == 1);
  REQUIRE(house.events().size() == 1);
  CHECK(house.events()[0].contains("cause=unread"));
}

TEST_CASE("server limits: the timer sweeps by itself, and stops when there is nobody") {
  policy::ServerTiming timing;
  timing.sweep_every = 10ms;
  House house{timing};
  const auto where = house.box.socket("policy");
  house.listen(where);
  for (int round = 0; round < 2; ++round) {
    const auto client = arrive(house, where);
    house.now += 31s;
    CHECK(house.until([&]() { return client->ended(); }));
  }
  house.server->stop_accepting();
  house.loop->restart();
  house.loop->run(); // comes back only if no timer is left
  CHECK(house.server->connections() == 0);
}

TEST_CASE("server limits: a full house") {
  House house;
  house.config->limits.policy_connections = 4;
  house.responder.slow = {"slow"};
  const auto where = house.box.socket("policy");
  house.listen(where);
  const auto busy = arrive(house, where);
  const auto idle_long = arrive(house, where);
  const auto idle = arrive(house, where);
  const auto fresh = arrive(house, where);
  ask(house, *idle_long, "1");
  ask(house, *idle, "2");
  busy->send(numbered("slow"));
  REQUIRE(house.until([&]() { return house.responder.asked.size() == 3; }));

  // Who has asked nothing goes first.
  Client third{where};
  REQUIRE(house.until([&]() { return fresh->ended(); }));
  third.send(numbered("3"));
  REQUIRE(house.answered(third, reply_to("3")));
  house.now += 1ms;
  CHECK_FALSE(idle_long->ended());

  // Then whoever has been idle longest.
  Client fourth{where};
  REQUIRE(house.until([&]() { return idle_long->ended(); }));
  fourth.send(numbered("4"));
  REQUIRE(house.answered(fourth, reply_to("4")));
  CHECK_FALSE(idle->ended());
  CHECK_FALSE(busy->ended());
  CHECK(house.server->connections() == 4);

  // Who is being judged stays, and gets the reply.
  house.responder.release();
  CHECK(house.answered(*busy, reply_to("slow")));
  REQUIRE(house.events().size() == 1); // limited
  CHECK(house.events()[0].contains("limits.policy-connections"));
}

TEST_CASE("server limits: a house full of verdicts turns newcomers away") {
  House house;
  house.config->limits.policy_connections = 2;
  house.responder.slow = {"1", "2"};
  const auto where = house.box.socket("policy");
  house.listen(where);
  const auto one = arrive(house, where);
  one->send(numbered("1"));
  const auto two = arrive(house, where);
  two->send(numbered("2"));
  REQUIRE(house.until([&]() { return house.responder.asked.size() == 2; }));
  Client third{where};
  CHECK(house.until([&]() { return third.ended(); }));
  CHECK(house.server->connections() == 2);
  house.responder.release();
  CHECK(house.answered(*one, reply_to("1")));
  CHECK(house.answered(*two, reply_to("2")));
  const auto events = house.events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].contains("turned away"));
}

TEST_CASE("server limits: a bound that a reload lowered is reached with the next newcomer") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 6; ++i)
    clients.push_back(arrive(house, where));
  house.config = test::policy_config();
  house.config->limits.policy_connections = 3;
  Client newcomer{where};
  CHECK(house.until([&]() { return house.server->connections() == 3; }));
  newcomer.send(numbered("1"));
  CHECK(house.answered(newcomer, reply_to("1")));
  CHECK(house.until([&]() { return clients[0]->ended() && clients[3]->ended(); }));
  CHECK_FALSE(clients[4]->ended());
  CHECK_FALSE(clients[5]->ended());
}
