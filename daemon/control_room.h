// The daemon's control socket: the server on it, and what it is answered with.
//
// Life cycle: made with the daemon, serve() with the listener that was opened before privileges were dropped; on reload
// open(), which may fail, then use(). drain() at the end. Loop's thread only.
#pragma once

#include "daemon/config/config.h"
#include "daemon/service/control.h"
#include "daemon/service/http.h"
#include "daemon/service/status.h"
#include "policy/handler.h"
#include "policy/server.h"

#include <boost/asio/io_context.hpp>

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace danegate {

class ControlRoom {
public:
  /// All of it outlives this object.
  struct Parts {
    std::string configuration; ///< file
    service::Authenticator& authenticator;
    service::RosterKeeper& roster;
    const service::Overloads& overloads;
    const service::VerdictTotals& verdicts;
    const policy::Server& policy;
    std::function<policy::Handler::Parts()> judge; ///< for explanations
    std::function<std::size_t()> milter_messages;
    std::function<std::string()> milter;  ///< its address; empty: none
    service::Lifecycle* const* lifecycle; ///< null where it points until the daemon is in service
  };

  ControlRoom(boost::asio::io_context& loop, service::Log& log, Parts parts);

  /// The socket that server.control names, for its user alone. None: an empty list. The error says what is to be done.
  static std::expected<std::vector<service::BoundListener>, std::string> open(const config::ServerSettings& server,
                                                                              const std::vector<config::Listen>& have);

  /// What open() gave, for this configuration.
  void use(const config::ServerSettings& server, std::vector<service::BoundListener> opened);

  std::vector<config::Listen> listening() const { return server_.listening(); }

  /// What was begun is answered, nothing more is taken.
  void drain() {
    server_.drain([] {});
  }

  std::size_t connections() const noexcept { return server_.connections(); }

private:
  service::Status status() const;

  Parts parts_;
  std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  service::Control control_;
  service::HttpServer server_;
};

} // namespace danegate
