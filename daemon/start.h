// What danegated needs before it can serve, made one by one, or the reason why it cannot be made: what fails before the
// log is there is told on stderr, and ends the start.
//
// Called by main in the order of a start: configuration, sockets, (privileges dropped,) resolver.
#pragma once

#include "daemon/config/load.h"
#include "daemon/service/daemon_resolver.h"
#include "daemon/service/listener.h"
#include "milter/adapter.h"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>
#include <vector>

namespace danegate {

/// Ends the start: what to say, one line each, and the exit code (sysexits(3)).
struct StartError {
  int exit_code;
  std::vector<std::string> lines;
};

config::ConfigPtr load_or_throw(const std::string& file, const config::Environment& environment);

/// systemd's, and those that policy.listen wants besides.
std::vector<service::BoundListener> listeners_or_throw(const config::PolicySettings& policy);

/// Null: there is no milter.
std::unique_ptr<milter::Adapter> milter_or_throw(const config::MilterSettings& settings);

/// None, or that of server.control.
std::vector<service::BoundListener> control_or_throw(const config::ServerSettings& server);

/// None, or the one of metrics.listen.
std::vector<service::BoundListener> metrics_or_throw(const config::MetricsSettings& settings);

void drop_privileges_or_throw(const std::string& user);

/// After privileges were dropped: the anchors have to be readable to the user that will read them at a reload.
std::unique_ptr<dns::TlsaSource> resolver_or_throw(boost::asio::io_context& loop, service::Log& log,
                                                   const core::ResolverSettings& settings);

} // namespace danegate
