#include "daemon/control_room.h"

#include "daemon/service/listener.h"
#include "daemon/service/ports.h"
#include "daemon/service/privileges.h"
#include "policy/explain_live.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace danegate {

namespace {

namespace fs = std::filesystem;

/// A reload may take as long as reading a million names does, a verdict up to limits.deadline.
constexpr std::chrono::minutes longest_request{2};

std::vector<config::Listen> wanted(const config::ServerSettings& server) {
  if (!server.control) return {};
  return {*server.control};
}

/// After /run was emptied by a boot, and nobody made the folder.
std::string with_remedy(std::string error, const config::ServerSettings& server) {
  const auto folder = fs::path(server.control->address).parent_path();
  std::error_code ignored;
  if (fs::exists(folder, ignored)) return error;
  const std::string user = server.user.empty() ? "root" : server.user;
  return "server.control: " + std::move(error) + ". Make the folder (install -d -o " + user + " -m 755 " +
         folder.string() + "; systemd: RuntimeDirectory=), or set server.control = \"\"";
}

} // namespace

ControlRoom::ControlRoom(boost::asio::io_context& loop, service::Log& log, Parts parts)
    : parts_(std::move(parts)),
      control_({.status = [this] { return as_json(status()); },
                .authenticator = parts_.authenticator,
                .reload = [this](service::ReloadDone done) { (*parts_.lifecycle)->reload(std::move(done)); },
                .explain =
                    [this, &loop](const service::HttpRequest& request, service::HttpAnswer answer) {
                      policy::explain_live(loop, parts_.judge(), request, std::move(answer));
                    },
                .to_ascii = service::library_ports().to_ascii},
               log),
      server_(loop,
              [this](const service::HttpRequest& request, const service::HttpAnswer& answer) {
                control_.handle(request, answer);
              },
              log, {.request = longest_request}) {}

std::expected<std::vector<service::BoundListener>, std::string>
ControlRoom::open(const config::ServerSettings& server, const std::vector<config::Listen>& have) {
  service::SocketOptions options{.mode = 0600};
  if (server.control && !server.user.empty() && ::geteuid() == 0) {
    const auto account = service::find_account(server.user);
    if (account) options.owner = account->user; // otherwise drop_privileges() ends the start
  }
  auto opened = service::open_listeners(wanted(server), have, options);
  if (!opened) return std::unexpected(with_remedy(std::move(opened.error()), server));
  return opened;
}

void ControlRoom::use(const config::ServerSettings& server, std::vector<service::BoundListener> opened) {
  server_.set_listeners(wanted(server), std::move(opened));
}

service::Status ControlRoom::status() const {
  const auto& roster = *parts_.roster.roster();
  service::Status status{.version = DANEGATE_VERSION,
                         .pid = ::getpid(),
                         .started = started_,
                         .configuration = parts_.configuration,
                         .verdicts = parts_.verdicts,
                         .overloads = parts_.overloads};
  status.uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun_);
  status.last_reload = (*parts_.lifecycle)->last_reload();
  for (const config::Listen& listen : parts_.policy.listening())
    status.listeners.push_back(listen.text());
  status.milter = parts_.milter();
  status.policy_connections = parts_.policy.connections();
  status.milter_messages = parts_.milter_messages();
  status.lookups = parts_.authenticator.lookups();
  status.cached_answers = parts_.authenticator.cached_answers();
  status.roster_names = parts_.authenticator.roster_names();
  status.roster = roster.counts();
  status.soonest_signature_end = roster.soonest_signature_end();
  status.held_off = parts_.authenticator.held_zones();
  return status;
}

} // namespace danegate
