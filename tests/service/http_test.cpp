#include "daemon/service/http.h"

#include "tests/service/captured_log.h"
#include "tests/support/catch.h"
#include "tests/support/sandbox.h"
#include "tests/support/socket_client.h"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace danegate;
using namespace std::chrono_literals;
using namespace std::string_literals;
using service::HttpAnswer;
using service::HttpBounds;
using service::HttpReply;
using service::HttpRequest;
using test::Client;

namespace {

struct House {
  explicit House(HttpBounds bounds = {})
      : server(std::make_unique<service::HttpServer>(
            loop, [this](HttpRequest request, HttpAnswer answer) { take(std::move(request), std::move(answer)); },
            log.log, bounds)) {
    server->add_listener(open(where));
  }

  static service::BoundListener open(const config::Listen& listen) {
    auto listener = service::open_listener(listen, {});
    REQUIRE(listener);
    return std::move(*listener);
  }

  /// "/later" is answered by the test, "/throw" by nobody, anything else with what was asked.
  void take(HttpRequest request, HttpAnswer answer) {
    asked.push_back(request);
    if (request.path == "/later") return later.push_back(std::move(answer));
    if (request.path == "/throw") throw std::runtime_error("no idea");
    std::string said = request.method + ' ' + request.path + '?' + request.query + ' ' + request.body;
    answer({request.path == "/missing" ? 404U : 200U, "text/plain", std::move(said)});
  }

  bool until(const std::function<bool()>& holds) { return test::run_until(loop, holds); }

  bool receives(Client& client, std::string_view text) {
    return until([&] { return client.received().contains(text) || client.ended(); }) &&
           client.received().contains(text);
  }

  bool ends(Client& client) {
    return until([&] { return client.ended(); });
  }

  test::Sandbox box;
  config::Listen where = box.socket("http");
  service::CapturedLog log;
  boost::asio::io_context loop;
  std::vector<HttpRequest> asked;
  std::vector<HttpAnswer> later;
  std::unique_ptr<service::HttpServer> server;
};

std::string get(const std::string& target, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}

std::string post(const std::string& target, const std::string& body) {
  return "POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++times;
  return times;
}

bool has_event(House& house, const std::string& part) {
  for (const auto& line : house.log.lines())
    if (line.contains(part)) return true;
  return false;
}

} // namespace

TEST_CASE("http: what is asked reaches the handler, and its reply the client") {
  struct Row {
    const char* label;
    std::string request;
    std::string status;
    std::string body;
  };

  const Row rows[]{
      {"GET", get("/status"), "HTTP/1.1 200 OK", "GET /status? "},
      {"a query", get("/cache?name=a%20b&x"), "HTTP/1.1 200 OK", "GET /cache?name=a%20b&x "},
      {"two question marks", get("/a?b?c"), "HTTP/1.1 200 OK", "GET /a?b?c "},
      {"POST", post("/explain", "request=x\n\n"), "HTTP/1.1 200 OK", "POST /explain? request=x\n\n"},
      {"POST without a body", post("/reload", ""), "HTTP/1.1 200 OK", "POST /reload? "},
      {"chunked", "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
       "HTTP/1.1 200 OK", "POST /c? abcde"},
      {"the handler's status", get("/missing"), "HTTP/1.1 404 Not Found", "GET /missing? "},
      {"HTTP/1.0", "GET /old HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK", "GET /old? "},
      {"another method", "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 Method Not Allowed",
       "405 Method Not Allowed\n"},
      {"no path", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 Bad Request", "400 Bad Request\n"},
      {"a handler that throws", get("/throw"), "HTTP/1.1 500 Internal Server Error", "500 Internal Server Error\n"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    House house;
    Client client{house.where};
    client.send(row.request);
    REQUIRE(house.receives(client, "\r\n\r\n" + row.body));
    CHECK(client.received().starts_with(row.status + "\r\n"));
    CHECK(client.received().contains("Content-Length: " + std::to_string(row.body.size()) + "\r\n"));
    CHECK(has_event(house, "event=http-failure") == (row.label == "a handler that throws"s));
  }
}

TEST_CASE("http: HEAD gets the header of GET and no body") {
  House house;
  Client client{house.where};
  client.send("HEAD /status HTTP/1.1\r\nHost: x\r\n\r\n" + get("/next"));
  REQUIRE(house.receives(client, "GET /next? "));
  CHECK(client.received().contains("Content-Length: 13\r\n"));
  CHECK_FALSE(client.received().contains("GET /status? "));
}

TEST_CASE("http: a connection serves one request after the other, together or octet by octet") {
  House house;
  Client client{house.where};
  client.send(get("/1") + post("/2", "two") + get("/3"));
  REQUIRE(house.receives(client, "GET /3? "));
  CHECK(count(client.received(), "HTTP/1.1 200 OK") == 3);
  CHECK(client.received().find("/1?") < client.received().find("POST /2? two"));
  for (const char octet : get("/slowly")) {
    client.send({&octet, 1});
    test::settle(house.loop);
  }
  REQUIRE(house.receives(client, "GET /slowly? "));
  CHECK(house.server->connections() == 1);
  CHECK(house.log.lines().empty());

  client.send(get("/last", "Connection: close\r\n"));
  REQUIRE(house.ends(client));
  CHECK(client.received().contains("GET /last? "));
  CHECK(house.server->connections() == 0);
}

TEST_CASE("http: over TCP, and a half-closed client gets its reply") {
  House house;
  auto inet = House::open({config::Listen::Kind::inet, "127.0.0.1", 0});
  const auto where = service::bound_address(inet.descriptor()).value();
  house.server->add_listener(std::move(inet));
  Client client{where};
  client.send(get("/tcp"));
  client.half_close();
  REQUIRE(house.ends(client));
  CHECK(client.received().contains("GET /tcp? "));
  CHECK(house.until([&] { return house.server->connections() == 0; }));
}

TEST_CASE("http: what is no HTTP or too large is refused, and the next client never notices") {
  struct Row {
    const char* label;
    std::string sent;
    std::string refusal;
  };

  HttpBounds bounds;
  bounds.header_bytes = 1024;
  bounds.body_bytes = 2048;
  const Row rows[]{
      {"binary", std::string("\x16\x03\x01\x02\x00", 5) + std::string(200, '\xFE'), "400 Bad Request"},
      {"a policy request", "request=smtpd_access_policy\n\n", "400 Bad Request"},
      {"no version", "GET /\r\n\r\n", "400 Bad Request"},
      {"two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "400 Bad Request"},
      {"length and chunks", "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "400 Bad Request"},
      {"a long header", get("/", "X: " + std::string(1100, 'x') + "\r\n"), "431 Request Header Fields Too Large"},
      {"a header without end", "GET / HTTP/1.1\r\nX: " + std::string(9000, 'x'), "431 Request Header Fields Too Large"},
      {"a large body", post("/", std::string(2049, 'x')), "413 Payload Too Large"},
      {"a large chunk", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9000\r\n" + std::string(0x9000, 'x'),
       "413 Payload Too Large"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    House house{bounds};
    Client client{house.where};
    client.send(row.sent);
    REQUIRE(house.receives(client, row.refusal));
    client.half_close();
    REQUIRE(house.ends(client));
    CHECK(house.until([&] { return house.server->connections() == 0; }));
    CHECK(has_event(house, "event=http-request"));
    CHECK(house.asked.empty());
    Client next{house.where};
    next.send(post("/next", std::string(2048, 'x')));
    CHECK(house.receives(next, "POST /next? x"));
  }
}

TEST_CASE("http: who is slow is closed, whatever is missing") {
  struct Row {
    const char* label;
    std::string sent;
    bool warned;
  };

  const Row rows[]{
      {"nothing", "", false},
      {"half a header", get("/x").substr(0, 10), true},
      {"half a body", post("/x", "12345").substr(0, 50), true},
      {"no reply in time", get("/later"), false},
      {"between requests", get("/done"), false},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    HttpBounds bounds;
    bounds.request = 50ms;
    bounds.idle = 50ms;
    House house{bounds};
    Client client{house.where};
    if (!row.sent.empty()) client.send(row.sent);
    CHECK(house.ends(client));
    CHECK(house.server->connections() == 0);
    CHECK(has_event(house, "cause=slow") == row.warned);
  }
}

TEST_CASE("http: a client that reads nothing is closed") {
  HttpBounds bounds;
  bounds.request = 50ms;
  House house{bounds};
  Client client{house.where};
  client.send(get("/later"));
  REQUIRE(house.until([&] { return house.later.size() == 1; }));
  house.later[0]({200, "text/plain", std::string(8U << 20U, 'x')});
  CHECK(house.until([&] { return house.server->connections() == 0; }));
}

TEST_CASE("http: a reply that comes later, once") {
  House house;
  Client client{house.where};
  client.send(get("/later"));
  REQUIRE(house.until([&] { return house.later.size() == 1; }));
  test::settle(house.loop);
  CHECK(client.received().empty());
  house.later[0]({200, "text/plain", "first"});
  house.later[0]({200, "text/plain", "second"});
  REQUIRE(house.receives(client, "first"));
  client.send(get("/later"));
  REQUIRE(house.until([&] { return house.later.size() == 2; }));
  house.later[0]({200, "text/plain", "third"}); // to a request of before
  house.later[1]({200, "text/plain", "fourth"});
  REQUIRE(house.receives(client, "fourth"));
  CHECK_FALSE(client.received().contains("second"));
  CHECK_FALSE(client.received().contains("third"));
}

TEST_CASE("http: a client that hangs up before its reply") {
  House house;
  Client client{house.where};
  client.send(get("/later"));
  REQUIRE(house.until([&] { return house.later.size() == 1; }));
  client.hang_up();
  house.later[0]({200, "text/plain", std::string(1000000, 'x')});
  CHECK(house.until([&] { return house.server->connections() == 0; }));

  Client second{house.where};
  second.send(get("/later"));
  REQUIRE(house.until([&] { return house.later.size() == 2; }));
  house.server.reset();
  house.later[1]({200, "text/plain", "too late"});
  REQUIRE(house.ends(second));
  CHECK(second.received().empty());
  CHECK(house.log.lines().empty());
}

TEST_CASE("http: a full house makes room for those who ask, not for more of those who do not") {
  HttpBounds bounds;
  bounds.connections = 3;
  House house{bounds};
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 10; ++i) {
    silent.push_back(std::make_unique<Client>(house.where));
    test::settle(house.loop);
  }
  CHECK(house.server->connections() == 3);
  CHECK(house.ends(*silent[0]));
  CHECK_FALSE(silent[9]->ended());
  Client asks{house.where};
  asks.send(get("/status"));
  CHECK(house.receives(asks, "GET /status? "));
  CHECK(has_event(house, "event=http-full"));

  // All at work: the new one is turned away.
  std::vector<std::unique_ptr<Client>> busy;
  for (int i = 0; i < 3; ++i) {
    busy.push_back(std::make_unique<Client>(house.where));
    busy.back()->send(get("/later"));
    REQUIRE(house.until([&] { return house.later.size() == busy.size(); }));
  }
  Client turned_away{house.where};
  CHECK(house.ends(turned_away));
  for (const auto& answer : house.later)
    answer({200, "text/plain", "here"});
  for (const auto& client : busy)
    CHECK(house.receives(*client, "here"));
}

TEST_CASE("http: a reload changes listeners, and a drain lets replies out") {
  House house;
  const auto added = house.box.socket("added");
  Client stays{house.where};
  REQUIRE(house.until([&] { return house.server->connections() == 1; }));
  std::vector<service::BoundListener> opened;
  opened.push_back(House::open(added));
  house.server->set_listeners({added}, std::move(opened));
  CHECK(house.server->listening() == std::vector{added});
  CHECK_FALSE(std::filesystem::exists(house.where.address));
  stays.send(get("/stays"));
  CHECK(house.receives(stays, "GET /stays? "));

  Client waits{added};
  waits.send(get("/later"));
  REQUIRE(house.until([&] { return house.later.size() == 1; }));
  bool drained = false;
  house.server->drain([&] { drained = true; });
  CHECK(house.ends(stays));
  test::settle(house.loop);
  CHECK_FALSE(drained);
  CHECK_FALSE(std::filesystem::exists(added.address));
  house.later[0]({200, "text/plain", "the last"});
  REQUIRE(house.receives(waits, "the last"));
  CHECK(waits.received().contains("Connection: close\r\n"));
  CHECK(house.ends(waits));
  CHECK(house.until([&] { return drained; }));
}
