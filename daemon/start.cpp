#include "daemon/start.h"

#include "daemon/control_room.h"
#include "daemon/service/metrics_server.h"
#include "daemon/service/privileges.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include <sysexits.h>

namespace danegate {

namespace {

/// What could not be opened ends the start.
template <class Opened>
Opened opened_or_throw(std::expected<Opened, std::string> opened) {
  if (!opened) throw StartError{EX_UNAVAILABLE, {std::move(opened.error())}};
  return std::move(*opened);
}

} // namespace

config::ConfigPtr load_or_throw(const std::string& file, const config::Environment& environment) {
  auto loaded = config::load(file, environment);
  if (loaded) return std::move(*loaded);
  std::vector<std::string> lines;
  for (const auto& error : loaded.error())
    lines.push_back(error.text());
  throw StartError{EX_CONFIG, std::move(lines)};
}

std::vector<service::BoundListener> listeners_or_throw(const config::PolicySettings& policy) {
  auto listeners = opened_or_throw(service::activated_listeners());
  std::vector<config::Listen> have;
  for (const service::BoundListener& listener : listeners)
    have.push_back(listener.address());
  auto opened = opened_or_throw(service::open_listeners(policy, have));
  std::ranges::move(opened, std::back_inserter(listeners));
  return listeners;
}

std::unique_ptr<milter::Adapter> milter_or_throw(const config::MilterSettings& settings) {
  return settings.listen ? opened_or_throw(milter::Adapter::open(settings)) : nullptr;
}

std::vector<service::BoundListener> control_or_throw(const config::ServerSettings& server) {
  return opened_or_throw(ControlRoom::open(server, {}));
}

std::vector<service::BoundListener> metrics_or_throw(const config::MetricsSettings& settings) {
  return opened_or_throw(service::open_listeners(settings, {}));
}

void drop_privileges_or_throw(const std::string& user) {
  if (auto dropped = service::drop_privileges(user); !dropped)
    throw StartError{dropped.error().exit_code, {dropped.error().message}};
}

std::unique_ptr<dns::TlsaSource> resolver_or_throw(boost::asio::io_context& loop, service::Log& log,
                                                   const core::ResolverSettings& settings) {
  try {
    return service::make_resolver(loop, log, settings);
  } catch (const std::exception& error) {
    throw StartError{EX_CONFIG, {error.what()}};
  }
}

} // namespace danegate
