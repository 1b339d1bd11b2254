// Reload, drain and the end: what closes, what stays, and that nothing is touched after it is gone (under ASan).
#include "policy/server.h"

#include "tests/policy/policy_house.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <filesystem>

using namespace danegate;
using namespace std::chrono_literals;
using test::Client;
using test::House;
using test::numbered;
using test::reply_to;

namespace {

bool refused(const config::Listen& where) {
  auto address = service::to_socket_address(where).value();
  const int socket = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = ::connect(socket, address.get(), address.length) == 0;
  ::close(socket);
  return !connected;
}

} // namespace

TEST_CASE("server life: a reload keeps equal listeners, closes others, adds new ones; connections stay") {
  House house;
  const auto kept = house.box.socket("kept");
  const auto removed = house.box.socket("removed");
  const auto added = house.box.socket("added");
  house.listen(kept);
  house.listen(removed);
  Client on_kept{kept};
  Client on_removed{removed};
  REQUIRE(house.until([&]() { return house.server->connections() == 2; }));

  std::vector<service::BoundListener> opened;
  opened.push_back(House::open(added));
  house.server->set_listeners({kept, added}, std::move(opened));
  CHECK(house.server->listening() == std::vector{kept, added});
  CHECK(refused(removed));
  CHECK_FALSE(std::filesystem::exists(removed.address));
  Client on_added{added};
  Client second_on_kept{kept};
  int number = 0;
  for (Client* const client : {&on_kept, &on_removed, &on_added, &second_on_kept}) {
    const std::string id = std::to_string(++number);
    client->send(numbered(id));
    CHECK(house.answered(*client, reply_to(id)));
  }

  house.server->set_listeners({added}, {});
  house.server->set_listeners({added, removed}, [&]() {
    std::vector<service::BoundListener> again;
    again.push_back(House::open(removed));
    return again;
  }());
  Client back{removed};
  back.send(numbered("back"));
  CHECK(house.answered(back, reply_to("back")));
  CHECK(house.events().empty());
}

TEST_CASE("server life: an inherited listener stays whatever the configuration says") {
  House house;
  const auto where = house.box.socket("activated");
  auto made = House::open(where);
  const int descriptor = ::fcntl(made.descriptor(), F_DUPFD_CLOEXEC, 3);
  auto inherited = service::adopt_listener(descriptor);
  REQUIRE(inherited);
  house.server->add_listener(std::move(*inherited));
  house.server->set_listeners({}, {});
  CHECK(house.server->listening() == std::vector{where});
  Client client{where};
  client.send(numbered("1"));
  CHECK(house.answered(client, reply_to("1")));
}

TEST_CASE("server life: drain") {
  House house;
  house.responder.slow = {"slow"};
  const auto where = house.box.socket("policy");
  house.listen(where);
  Client fresh{where};
  Client idle{where};
  Client busy{where};
  Client half{where};
  idle.send(numbered("1"));
  REQUIRE(house.answered(idle, reply_to("1")));
  busy.send(numbered("slow"));
  half.send(numbered("half").substr(0, 200));
  REQUIRE(house.until([&]() { return house.server->connections() == 4 && house.responder.asked.size() == 2; }));
  house.settle();

  int done = 0;
  house.server->drain([&]() { ++done; });
  CHECK(refused(where));
  CHECK(house.until([&]() { return idle.ended() && fresh.ended(); }));
  CHECK(house.server->connections() == 2);
  half.send(numbered("half").substr(200));
  CHECK(house.until([&]() { return half.ended(); }));
  CHECK(half.received() == reply_to("half"));
  house.settle();
  CHECK(done == 0);
  house.responder.release();
  CHECK(house.until([&]() { return busy.ended(); }));
  CHECK(busy.received() == reply_to("slow"));
  CHECK(house.until([&]() { return done == 1; }));
  house.settle();
  CHECK(done == 1);
  CHECK(house.events().empty());
}

TEST_CASE("server life: drain of an empty house") {
  House house;
  house.listen(house.box.socket("policy"));
  bool done = false;
  house.server->drain([&]() { done = true; });
  CHECK_FALSE(done); // on the loop, not from within
  CHECK(house.until([&]() { return done; }));
}

TEST_CASE("server life: drain ends although a peer never finishes its request") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  Client half{where};
  half.send("request=");
  REQUIRE(house.until([&]() { return house.server->connections() == 1; }));
  house.settle();
  bool done = false;
  house.server->drain([&]() { done = true; });
  house.settle();
  CHECK_FALSE(done);
  house.pass(30s);
  CHECK(house.until([&]() { return done; }));
}

TEST_CASE("server life: destroyed at any moment, the loop going on or not") {
  for (const bool loop_goes_on : {true, false}) {
    INFO(loop_goes_on);
    House house;
    house.responder.slow = {"slow"};
    const auto where = house.box.socket("policy");
    house.listen(where);
    Client fresh{where};
    Client busy{where};
    Client idle{where};
    idle.send(numbered("1"));
    REQUIRE(house.answered(idle, reply_to("1")));
    busy.send(numbered("slow"));
    REQUIRE(house.until([&]() { return house.server->connections() == 3 && house.responder.asked.size() == 2; }));
    Client unaccepted{where};
    unaccepted.send(numbered("2"));

    house.server.reset();
    CHECK(refused(where));
    if (loop_goes_on) {
      CHECK(house.until([&]() { return fresh.ended() && idle.ended() && busy.ended(); }));
      house.responder.release();
      house.loop->restart();
      house.loop->run(); // everything ends: nothing waits for the server that is gone
    } else {
      CHECK(busy.ended()); // its socket is closed, the coroutine goes with the loop
    }
    CHECK(busy.received().empty());
  }
}

TEST_CASE("server life: thousands of requests over some connections, none lost") {
  House house;
  const auto where = house.box.socket("policy");
  house.listen(where);
  constexpr std::size_t rounds = 50;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 40; ++i)
    clients.push_back(std::make_unique<Client>(where));
  std::string expected;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (const auto& client : clients)
      client->send(numbered(std::to_string(round)));
    expected += reply_to(std::to_string(round));
    for (const auto& client : clients)
      REQUIRE(house.answered(*client, expected));
  }
  CHECK(house.responder.asked.size() == rounds * clients.size());
}
