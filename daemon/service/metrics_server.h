// HTTP for whoever watches the daemon: /metrics, /healthz (the loop turns), /readyz (200 while it serves, 503 from the
// beginning of the drain on).
//
// The loop only takes the measurements; their text, megabytes where thousands of rules have verdicts, is made on a
// thread. One text is made at a time. Who asks meanwhile gets the next one, which is newer than his question; past
// max_waiting, 503.
//
// Life cycle: made by main once the daemon's parts are there, set_listener() then and on reload. It answers during the
// drain, too, and goes with the loop; the destructor waits for a text that is being made. The socket has no password:
// who can connect may read. Loop's thread only.
#pragma once

#include "daemon/config/config.h"
#include "daemon/service/http.h"
#include "daemon/service/measurements.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace danegate::service {

class MetricsServer {
public:
  static constexpr std::size_t max_waiting = 8; ///< for one text

  struct Parts {
    std::function<Measurements()> measure;
    std::function<bool()> ready;
  };

  MetricsServer(boost::asio::io_context& loop, Log& log, Parts parts);
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;
  ~MetricsServer();

  /// `opened` comes from open_listeners(), given listening().
  void set_listener(const std::optional<config::Listen>& wanted, std::vector<BoundListener> opened);

  std::vector<config::Listen> listening() const { return http_.listening(); }

private:
  using Answers = std::vector<HttpAnswer>;

  void handle(const HttpRequest& request, HttpAnswer answer);
  void begin();
  void finish(const HttpReply& reply);

  boost::asio::io_context& loop_;
  Parts parts_;
  Answers waiting_; ///< for the next text
  Answers in_hand_; ///< for the one that is being made
  bool busy_ = false;
  std::thread writer_;
  HttpServer http_;
};

} // namespace danegate::service
