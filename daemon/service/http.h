// A small HTTP/1.1 server on the loop: reads requests within bounds, hands them to a handler, writes its replies.
//
// GET, HEAD and POST; anything else is 405. HEAD is handled as GET, and its body is not sent. Requests of a connection
// are answered one at a time, in order. What is not HTTP or too large gets a short refusal, and its connection is
// closed; whoever is too slow is closed without one. When the house is full, the connection that has owed its request
// for the longest time makes room; if none owes one, the new one is closed.
//
// Life cycle: construct, add_listener(), run the loop; on reload set_listeners(); at the end drain(), then destroy.
// What is handed in outlives every run of the loop. Replies that come after the server, or their connection, has gone
// are dropped. Loop's thread only. Knows nothing of TLS or of who the client is: sockets and addresses decide that.
#pragma once

#include "daemon/service/acceptors.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace danegate::service {

struct HttpRequest {
  std::string method; ///< "GET" or "POST"
  std::string path;   ///< begins with '/'; not decoded
  std::string query;  ///< what follows the '?', not decoded
  std::string body;
};

struct HttpReply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
};

using HttpAnswer = std::function<void(HttpReply)>;

/// Calls `answer` once, on the loop, at once or later. Where it throws instead, the client gets 500 and the log says
/// why.
using HttpHandler = std::function<void(HttpRequest, HttpAnswer answer)>;

struct HttpBounds {
  std::size_t connections = 64;
  std::size_t header_bytes = 8192;
  std::size_t body_bytes = 65536;
  std::chrono::milliseconds request{30000}; ///< from its first octet (of a new connection: accept) to the last reply's
  std::chrono::milliseconds idle{60000};    ///< between requests
};

class HttpServer {
public:
  HttpServer(boost::asio::io_context& loop, HttpHandler handler, Log& log, HttpBounds bounds = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// Takes over a socket that listens already. Throws boost::system::system_error if the loop cannot take it.
  void add_listener(BoundListener listener);

  /// The addresses listened on, inherited ones included: what a reload need not open.
  std::vector<config::Listen> listening() const;

  /// On reload: closes the listeners whose address is not in `wanted`, but for inherited ones, and adds `opened`.
  /// Connections stay.
  void set_listeners(const std::vector<config::Listen>& wanted, std::vector<BoundListener> opened);

  /// Stops accepting, closes connections that owe a request, lets the others have their reply, and calls `done` once,
  /// on the loop, when none is left.
  void drain(std::function<void()> done);

  std::size_t connections() const noexcept;

private:
  struct House;

  std::shared_ptr<House> house_;
  Acceptors acceptors_;
};

} // namespace danegate::service
