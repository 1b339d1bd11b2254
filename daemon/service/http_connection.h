// One connection to an HttpServer (http.h has the rules that it keeps). Beast is behind this header.
//
// Life cycle: make() begins to read. Its operations under way hold it, so it lives until they have ended after close().
// `ended` is called once, when it closes by itself; never after close(). Loop's thread only.
#pragma once

#include "daemon/service/http.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace danegate::service {

class HttpConnection {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// What connections need of their server; they share it.
  struct Host {
    HttpHandler handler;
    Log& log;
    HttpBounds bounds;
    std::function<void(const std::shared_ptr<HttpConnection>&)> ended;
    bool draining = false; ///< the next reply of each connection is its last
  };

  static std::shared_ptr<HttpConnection> make(std::shared_ptr<const Host> host, StreamSocket socket,
                                              std::string listener);

  HttpConnection() = default;
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  virtual ~HttpConnection() = default;

  /// It owes a request, or the rest of one: nothing is owed to it.
  virtual bool owes_request() const noexcept = 0;

  /// Since when it does what it does.
  virtual Time since() const noexcept = 0;

  virtual void close() noexcept = 0;
};

} // namespace danegate::service
