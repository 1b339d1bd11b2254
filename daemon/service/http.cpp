#include "daemon/service/http.h"

#include "daemon/service/http_connection.h"

#include <boost/asio/post.hpp>

#include <unordered_set>
#include <utility>

namespace danegate::service {

namespace asio = boost::asio;

/// The open connections.
struct HttpServer::House : std::enable_shared_from_this<HttpServer::House> {
  using ConnectionPtr = std::shared_ptr<HttpConnection>;

  House(asio::io_context& io, HttpHandler handler, Log& log, const HttpBounds& bounds)
      : loop(io),
        host(std::make_shared<HttpConnection::Host>(HttpConnection::Host{std::move(handler), log, bounds, {}, false})) {
  }

  void admit(StreamSocket socket, const std::string& listener);
  bool make_room();
  void forget(const ConnectionPtr& connection);
  void drain(std::function<void()> done);
  void close_all() noexcept;

  asio::io_context& loop;
  std::shared_ptr<HttpConnection::Host> host;
  std::unordered_set<ConnectionPtr> open;
  std::function<void()> drained;
};

/// Past the bound a new one is closed by being dropped.
void HttpServer::House::admit(StreamSocket socket, const std::string& listener) {
  if (open.size() >= host->bounds.connections) {
    host->log.event_limited("http-full", config::LogLevel::warning, "http-full",
                            "there are too many connections; one is closed", {{"listener", listener}});
    if (!make_room()) return;
  }
  open.insert(HttpConnection::make(host, std::move(socket), listener));
}

bool HttpServer::House::make_room() {
  ConnectionPtr first;
  for (const ConnectionPtr& connection : open)
    if (connection->owes_request() && (!first || connection->since() < first->since())) first = connection;
  if (!first) return false;
  first->close();
  open.erase(first);
  return true;
}

void HttpServer::House::forget(const ConnectionPtr& connection) {
  open.erase(connection);
  if (open.empty() && drained) asio::post(loop, std::exchange(drained, nullptr));
}

void HttpServer::House::drain(std::function<void()> done) {
  host->draining = true;
  std::erase_if(open, [](const ConnectionPtr& connection) {
    const bool owes = connection->owes_request();
    if (owes) connection->close();
    return owes;
  });
  drained = std::move(done);
  if (open.empty()) asio::post(loop, std::exchange(drained, nullptr));
}

void HttpServer::House::close_all() noexcept {
  drained = nullptr;
  for (const ConnectionPtr& connection : std::exchange(open, {}))
    connection->close();
}

HttpServer::HttpServer(asio::io_context& loop, HttpHandler handler, Log& log, HttpBounds bounds)
    : house_(std::make_shared<House>(loop, std::move(handler), log, bounds)),
      acceptors_(loop, log, "http-accept",
                 [weak = std::weak_ptr(house_)](StreamSocket socket, const config::Listen& listener) {
                   if (const auto house = weak.lock()) house->admit(std::move(socket), listener.text());
                 }) {
  house_->host->ended = [weak = std::weak_ptr(house_)](const House::ConnectionPtr& connection) {
    if (const auto house = weak.lock()) house->forget(connection);
  };
}

HttpServer::~HttpServer() {
  acceptors_.stop();
  house_->close_all();
}

void HttpServer::add_listener(BoundListener listener) {
  acceptors_.add(std::move(listener));
}

std::vector<config::Listen> HttpServer::listening() const {
  return acceptors_.listening();
}

void HttpServer::set_listeners(const std::vector<config::Listen>& wanted, std::vector<BoundListener> opened) {
  acceptors_.set(wanted, std::move(opened));
}

void HttpServer::drain(std::function<void()> done) {
  acceptors_.stop();
  house_->drain(std::move(done));
}

std::size_t HttpServer::connections() const noexcept {
  return house_->open.size();
}

} // namespace danegate::service
