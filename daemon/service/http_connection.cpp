#include "daemon/service/http_connection.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

namespace danegate::service {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using config::LogLevel;
using Parser = http::request_parser<http::string_body>;
using Response = http::response<http::string_body>;

constexpr unsigned http_1_1 = 11;

/// How long a refused client may go on sending: closed at once, it would not see why.
constexpr std::chrono::milliseconds linger_time{1000};

/// 0: the connection is broken, nobody would read a refusal.
unsigned refusal_for(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  const bool not_http = error.category() == error_code(http::error::bad_version).category();
  return not_http ? 400 : 0;
}

HttpReply plain(unsigned status) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(status));
  return {status, "text/plain", std::to_string(status) + ' ' + std::string(reason) + '\n'};
}

class BeastConnection final : public HttpConnection, public std::enable_shared_from_this<BeastConnection> {
public:
  BeastConnection(std::shared_ptr<const Host> host, StreamSocket socket, std::string listener)
      : host_(std::move(host)), socket_(std::move(socket)), listener_(std::move(listener)),
        timer_(socket_.get_executor()), buffer_(2 * host_->bounds.header_bytes) {}

  void start() { wait(host_->bounds.request); }

  bool owes_request() const noexcept override { return phase_ == Phase::waiting || phase_ == Phase::reading; }

  Time since() const noexcept override { return since_; }

  void close() noexcept override {
    phase_ = Phase::closed;
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
  }

private:
  enum class Phase : std::uint8_t { waiting, reading, handling, writing, lingering, closed };

  bool closed() const noexcept { return phase_ == Phase::closed; }

  void enter(Phase phase) noexcept {
    phase_ = phase;
    since_ = std::chrono::steady_clock::now();
  }

  void allow(std::chrono::milliseconds time);
  void wait(std::chrono::milliseconds time);
  void read();
  void take(const error_code& error);
  void handle();
  HttpAnswer answer();
  void refuse(unsigned status);
  void reply(HttpReply given);
  void written(const error_code& error);
  void linger();
  void end();
  void warn(std::string_view cause);

  std::shared_ptr<const Host> host_;
  StreamSocket socket_;
  std::string listener_; ///< for the log
  asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<Response> response_;
  Phase phase_ = Phase::waiting;
  Time since_;
  std::uint64_t number_ = 0; ///< of the request: a second reply to it is none to the next
  bool refused_ = false;
};

void BeastConnection::allow(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (!self || error || self->closed()) return;
    if (self->timer_.expiry() > std::chrono::steady_clock::now()) return; // allowed more time meanwhile
    if (self->phase_ == Phase::reading) self->warn("slow");
    self->end();
  });
}

/// For the first octet of a request.
void BeastConnection::wait(std::chrono::milliseconds time) {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(host_->bounds.header_bytes));
  parser_->body_limit(host_->bounds.body_bytes);
  ++number_;
  enter(Phase::waiting);
  allow(time);
  if (buffer_.size() > 0) return read(); // it came along with the request before
  socket_.async_wait(StreamSocket::wait_read, [self = shared_from_this()](const error_code& error) {
    if (self->closed()) return;
    if (error) return self->end();
    self->read();
  });
}

void BeastConnection::read() {
  enter(Phase::reading);
  allow(host_->bounds.request);
  http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](const error_code& error, std::size_t) {
    if (!self->closed()) self->take(error);
  });
}

void BeastConnection::take(const error_code& error) {
  if (!error) return handle();
  const unsigned status = refusal_for(error);
  if (status == 0) return end();
  warn(error.message());
  refuse(status);
}

void BeastConnection::handle() {
  enter(Phase::handling);
  const auto& request = parser_->get();
  const bool known = request.method() == http::verb::get || request.method() == http::verb::head ||
                     request.method() == http::verb::post;
  if (!known) return reply(plain(405));
  const std::string_view target{request.target().data(), request.target().size()};
  if (!target.starts_with('/')) return reply(plain(400));
  const auto mark = target.find('?');
  HttpRequest asked;
  asked.method = request.method() == http::verb::post ? "POST" : "GET";
  asked.path = target.substr(0, mark);
  if (mark != std::string_view::npos) asked.query = target.substr(mark + 1);
  asked.body = request.body();
  const auto number = number_;
  try {
    host_->handler(std::move(asked), answer());
  } catch (const std::exception& failure) {
    host_->log.event_limited("http-failure", LogLevel::error, "http-failure", "a request could not be answered",
                             {{"listener", listener_}, {"error", failure.what()}});
    if (phase_ == Phase::handling && number == number_) reply(plain(500));
  }
}

/// Good for one reply, as long as it is waited for.
HttpAnswer BeastConnection::answer() {
  return [weak = weak_from_this(), number = number_](HttpReply given) {
    const auto self = weak.lock();
    if (self && self->number_ == number && self->phase_ == Phase::handling) self->reply(std::move(given));
  };
}

void BeastConnection::refuse(unsigned status) {
  refused_ = true;
  reply(plain(status));
}

void BeastConnection::reply(HttpReply given) {
  enter(Phase::writing);
  const auto& request = parser_->get();
  const bool keep_alive = !refused_ && !host_->draining && request.keep_alive();
  response_.emplace(static_cast<http::status>(given.status), request.version() == 10 ? 10 : http_1_1);
  response_->set(http::field::content_type, given.type);
  if (given.status == 405) response_->set(http::field::allow, "GET, HEAD, POST");
  response_->keep_alive(keep_alive);
  response_->content_length(given.body.size());
  if (request.method() != http::verb::head) response_->body() = std::move(given.body);
  http::async_write(socket_, *response_, [self = shared_from_this()](const error_code& error, std::size_t) {
    if (!self->closed()) self->written(error);
  });
}

void BeastConnection::written(const error_code& error) {
  const bool last = !response_->keep_alive() || host_->draining;
  if (error) return end();
  if (refused_) return linger();
  if (last) return end();
  wait(host_->bounds.idle);
}

/// Reads and forgets what a refused client still sends.
void BeastConnection::linger() {
  if (phase_ != Phase::lingering) {
    enter(Phase::lingering);
    allow(linger_time);
    error_code ignored;
    socket_.shutdown(StreamSocket::shutdown_send, ignored);
  }
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(host_->bounds.header_bytes),
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                            if (self->closed()) return;
                            if (error) return self->end();
                            self->linger();
                          });
}

void BeastConnection::end() {
  close();
  if (host_->ended) host_->ended(shared_from_this());
}

void BeastConnection::warn(std::string_view cause) {
  host_->log.event_limited("http-request", LogLevel::warning, "http-request",
                           "something that is no proper HTTP request came in; its connection is closed",
                           {{"cause", cause}, {"listener", listener_}});
}

} // namespace

std::shared_ptr<HttpConnection> HttpConnection::make(std::shared_ptr<const Host> host, StreamSocket socket,
                                                     std::string listener) {
  auto connection = std::make_shared<BeastConnection>(std::move(host), std::move(socket), std::move(listener));
  connection->start();
  return connection;
}

} // namespace danegate::service
