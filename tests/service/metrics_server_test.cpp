#include "daemon/service/metrics_server.h"

#include "daemon/service/metrics.h"
#include "tests/service/captured_log.h"
#include "tests/support/catch.h"
#include "tests/support/sandbox.h"
#include "tests/support/socket_client.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/stat.h>

using namespace danegate;
using service::Measurements;
using service::MetricsServer;
using test::Client;

namespace {

struct House {
  House() {
    server = std::make_unique<MetricsServer>(
        loop, log.log,
        MetricsServer::Parts{.measure = [this] { return measure(); }, .ready = [this] { return ready; }});
    listen(where);
  }

  void listen(const config::Listen& wanted) {
    auto opened = service::open_listeners(config::MetricsSettings{wanted}, server->listening());
    REQUIRE(opened);
    server->set_listener(wanted, std::move(*opened));
  }

  Measurements measure() {
    if (fails) throw std::runtime_error("no");
    Measurements now;
    now.cache_entries = ++measured;
    return now;
  }

  bool until(const std::function<bool()>& holds) { return test::run_until(loop, holds); }

  /// The whole reply to one request on a connection of its own.
  std::string ask(const std::string& line) {
    Client client(where);
    client.send(line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(until([&] { return client.ended(); }));
    return client.received();
  }

  test::Sandbox box;
  config::Listen where = box.socket("metrics");
  service::CapturedLog log;
  boost::asio::io_context loop;
  bool ready = true;
  bool fails = false;
  std::size_t measured = 0;
  std::unique_ptr<MetricsServer> server;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++times;
  return times;
}

} // namespace

TEST_CASE("metrics over HTTP: paths, methods, status") {
  House house;

  struct Row {
    const char* request;
    const char* status;
    const char* part;
  };

  const std::vector<Row> rows{
      {"GET /metrics", "HTTP/1.1 200 OK", "Content-Type: text/plain; version=0.0.4; charset=utf-8"},
      {"GET /metrics", "HTTP/1.1 200 OK", "\ndanegate_cache_entries 2\n"},
      {"GET /metrics?x=y", "HTTP/1.1 200 OK", "\ndanegate_cache_entries 3\n"},
      {"GET /healthz", "HTTP/1.1 200 OK", "\r\n\r\nok\n"},
      {"GET /readyz", "HTTP/1.1 200 OK", "\r\n\r\nready\n"},
      {"GET /", "HTTP/1.1 404 Not Found", "danegated: /metrics, /healthz, /readyz"},
      {"GET /metrics/", "HTTP/1.1 404 Not Found", "danegated:"},
      {"POST /metrics", "HTTP/1.1 405 Method Not Allowed", "only GET and HEAD"},
  };
  for (const auto& [request, status, part] : rows) {
    INFO(request);
    const std::string reply = house.ask(request);
    CHECK(reply.starts_with(status));
    CHECK(reply.find(part) != std::string::npos);
  }
  house.ready = false;
  CHECK(house.ask("GET /readyz").starts_with("HTTP/1.1 503 Service Unavailable"));
  CHECK(house.ask("GET /healthz").starts_with("HTTP/1.1 200 OK"));
  CHECK(house.ask("GET /metrics").starts_with("HTTP/1.1 200 OK"));
}

TEST_CASE("one text is made at a time, newer than the question, and too many askers are turned away") {
  House house;
  std::vector<std::unique_ptr<Client>> clients;
  constexpr std::size_t askers = MetricsServer::max_waiting + 5;
  for (std::size_t i = 0; i < askers; ++i) {
    clients.push_back(std::make_unique<Client>(house.where));
    clients.back()->send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  std::string all;
  for (const auto& client : clients) {
    REQUIRE(house.until([&] { return client->ended(); }));
    all += client->received();
  }
  CHECK(count(all, "HTTP/1.1 200 OK") + count(all, "HTTP/1.1 503 ") == askers);
  CHECK(count(all, "HTTP/1.1 200 OK") >= MetricsServer::max_waiting + 1);
  CHECK(house.measured <= count(all, "HTTP/1.1 200 OK"));
  const std::size_t before = house.measured;
  CHECK(house.ask("GET /metrics").find("danegate_cache_entries " + std::to_string(before + 1)) != std::string::npos);
}

TEST_CASE("measurements that cannot be taken are the server's error, and the next scrape is another one") {
  House house;
  house.fails = true;
  CHECK(house.ask("GET /metrics").starts_with("HTTP/1.1 500 "));
  house.fails = false;
  CHECK(house.ask("GET /metrics").starts_with("HTTP/1.1 200 OK"));
}

TEST_CASE("a server that goes while a text is being made waits for it, and answers nobody") {
  House house;
  Client client(house.where);
  client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(house.until([&] { return house.measured == 1; }));
  house.server.reset();
  CHECK(house.until([&] { return client.ended(); }));
}

TEST_CASE("the listener changes with a reload; connections and an unchanged listener stay") {
  House house;
  struct stat before{};
  REQUIRE(::stat(house.where.address.c_str(), &before) == 0);
  CHECK((before.st_mode & 0777U) == 0666U);
  Client client(house.where);
  client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(house.until([&] { return client.received().ends_with("ok\n"); }));
  house.listen(house.where);
  struct stat after{};
  REQUIRE(::stat(house.where.address.c_str(), &after) == 0);
  CHECK(after.st_ino == before.st_ino);
  const auto old = std::exchange(house.where, house.box.socket("other"));
  house.listen(house.where);
  CHECK(house.ask("GET /healthz").starts_with("HTTP/1.1 200 OK"));
  CHECK(::stat(old.address.c_str(), &after) != 0);
  client.send("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(house.until([&] { return client.received().ends_with("ready\n"); }));
  house.server->set_listener({}, {});
  CHECK(house.server->listening().empty());
}
