#include "daemon/ctl/daemon_client.h"

#include "daemon/config/find_control.h"
#include "daemon/ctl/command.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <ostream>

#include <sys/un.h>
#include <sysexits.h>

namespace danegate::ctl {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t max_reply = std::size_t{64} << 20; ///< octets
constexpr unsigned http_1_1 = 11;

std::string_view remedy_for(const error_code& error) {
  switch (error.value()) {
  case ENOENT: return "danegated is not running, or its server.control is another one";
  case ECONNREFUSED: return "nobody listens there: danegated is not running";
  case EACCES: return "only root and server.user may connect";
  default: return "";
  }
}

Failure unreachable(const std::string& socket, const error_code& error) {
  const auto remedy = remedy_for(error);
  return {EX_UNAVAILABLE, fmt::format("unix:{}: {}{}{}", socket, error.message(), remedy.empty() ? "" : ": ", remedy)};
}

/// One question and its answer, on a loop of its own.
class Exchange {
public:
  Exchange(std::string_view method, std::string_view target, std::string body) {
    request_.version(http_1_1);
    request_.method_string({method.data(), method.size()});
    request_.target({target.data(), target.size()});
    request_.set(http::field::host, "danegate");
    request_.keep_alive(false);
    request_.body() = std::move(body);
    request_.prepare_payload();
    parser_.body_limit(max_reply);
  }

  /// nullopt: time is up.
  std::optional<error_code> run(const std::string& path) {
    socket_.async_connect(asio::local::stream_protocol::endpoint(path), [this](const error_code& error) {
      if (error) return finish(error);
      http::async_write(socket_, request_, [this](const error_code& failure, std::size_t) {
        if (failure) return finish(failure);
        http::async_read(socket_, buffer_, parser_, [this](const error_code& result, std::size_t) { finish(result); });
      });
    });
    loop_.run_for(DaemonClient::patience);
    return result_;
  }

  DaemonClient::Reply reply() { return {parser_.get().result_int(), std::move(parser_.get().body())}; }

private:
  void finish(const error_code& error) { result_ = error; }

  asio::io_context loop_{1};
  asio::local::stream_protocol::socket socket_{loop_};
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  boost::beast::flat_buffer buffer_;
  std::optional<error_code> result_;
};

} // namespace

DaemonClient::Reply DaemonClient::ask(std::string_view method, std::string_view target, std::string body) const {
  if (socket_.size() >= sizeof(sockaddr_un::sun_path))
    throw Failure{EX_DATAERR, fmt::format("{}: too long for a unix socket", socket_)};
  Exchange exchange(method, target, std::move(body));
  const auto result = exchange.run(socket_);
  if (!result) throw Failure{EX_UNAVAILABLE, fmt::format("unix:{}: no answer within {} s", socket_, patience.count())};
  if (*result) throw unreachable(socket_, *result);
  return exchange.reply();
}

DaemonClient find_daemon(const DaemonPlace& place, std::ostream& err) {
  constexpr std::string_view prefix = "unix:";
  if (!place.socket.empty())
    return DaemonClient(place.socket.starts_with(prefix) ? place.socket.substr(prefix.size()) : place.socket);
  const auto found = config::find_control(place.config_file);
  const auto complaint = found.errors.empty() ? std::string() : found.errors.front().text();
  if (!found.listen && found.errors.empty())
    throw Failure{EX_UNAVAILABLE,
                   fmt::format("{}: server.control is empty: there is no control socket", place.config_file.string())};
  if (!found.listen) throw Failure{EX_CONFIG, complaint + "; --socket says where the daemon is to be reached"};
  if (!found.is_set && !complaint.empty())
    err << fmt::format("danegate: {}\ndanegate: the configuration does not say where the daemon is to be reached; "
                       "trying {}\n",
                       complaint, found.listen->text());
  return DaemonClient(found.listen->address);
}

void check_reply(const DaemonClient::Reply& reply) {
  constexpr unsigned first_error = 400;
  constexpr unsigned first_server_error = 500;
  if (reply.status < first_error) return;
  const auto said = nlohmann::json::parse(reply.body, nullptr, false);
  const bool has_words = said.is_object() && said.contains("error") && said["error"].is_string();
  auto words = has_words ? said["error"].get<std::string>() : fmt::format("the daemon answers {}", reply.status);
  throw Failure{reply.status < first_server_error ? EX_DATAERR : EX_SOFTWARE, std::move(words)};
}

} // namespace danegate::ctl
