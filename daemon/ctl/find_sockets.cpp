#include "daemon/ctl/postfix_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace danegate::ctl {

namespace {

using config::Listen;

constexpr std::uint32_t others_write = 0002;
constexpr std::uint32_t group_write = 0020;
constexpr std::uint32_t owner_write = 0200;

/// What [policy] and [milter] say alike.
struct Socket {
  std::string_view table;
  const Listen& listen;
  std::uint32_t mode;
  const std::string& group;
};

std::string mismatch(const SmtpdView& smtpd, const std::string& address, const std::string& listening) {
  return fmt::format("{} is {} here{}, and danegate listens at {}", address, socket_path(*smtpd.service, address),
                     smtpd.service->chroot ? " (this smtpd runs in a chroot)" : "", listening);
}

const Listen* first_unix(const std::vector<Listen>& listeners) {
  const auto found = std::ranges::find(listeners, Listen::Kind::unix_socket, &Listen::kind);
  return found == listeners.end() ? nullptr : &*found;
}

/// Where smtpd can reach the socket: Postfix's line, `line` with that address. Else danegate moves, too.
template <class Line>
std::vector<Fix> meet(const PostfixView& view, const SmtpdView& smtpd, const Listen& listen, std::string_view name,
                      const Line& line) {
  if (const auto address = address_for(view, *smtpd.service, listen); !address.empty()) return {line(address)};
  const auto place = fmt::format("danegate/{}", name);
  const auto path = fmt::format("unix:{}/{}", smtpd.service->value("queue_directory"), place);
  const auto setting = name == "policy" ? fmt::format("listen = [\"{}\"]", path) : fmt::format("listen = \"{}\"", path);
  return {{view.file, fmt::format("[{}]", name), setting}, line("unix:" + place)};
}

bool some_check_finds_it(const PostfixView& view) {
  return std::ranges::any_of(view.smtpd, [](const SmtpdView& smtpd) {
    return std::ranges::any_of(smtpd.all_asks(), [](const Ask* ask) { return ask->listening; });
  });
}

void find_policy_mismatch(const PostfixView& view, const SmtpdView& smtpd, const Ask& ask,
                          std::vector<Finding>& found) {
  const auto* const listen = first_unix(view.config.policy.listen);
  if (ask.listening || !listen) return;
  auto finding =
      parameter_finding(view, *smtpd.service, smtpd.list(ask.list)[ask.position].holder,
                        make_finding("socket-mismatch", mismatch(smtpd, ask.endpoint.address, listen->address)));
  // Another check finds it: this one may be for a second danegate.
  if (some_check_finds_it(view)) finding.severity = Severity::warning;
  finding.fixes = meet(view, smtpd, *listen, "policy", [&](const std::string& address) {
    auto by = ask.endpoint;
    by.address = address;
    return replace_endpoint(view, smtpd, ask, by);
  });
  found.push_back(std::move(finding));
}

void find_milter_mismatch(const PostfixView& view, const SmtpdView& smtpd, const MilterUse& use,
                          std::vector<Finding>& found) {
  const auto& listen = *view.config.milter.listen;
  if (use.listening) return;
  auto finding =
      parameter_finding(view, *smtpd.service, "smtpd_milters",
                        make_finding("socket-mismatch", mismatch(smtpd, use.endpoint.address, listen.address)));
  finding.fixes = meet(view, smtpd, listen, "milter", [&](const std::string& address) {
    std::string value(smtpd.service->value("smtpd_milters"));
    if (const auto at = value.find(use.endpoint.address); at != std::string::npos)
      value.replace(at, use.endpoint.address.size(), address);
    return set_parameter(view, *smtpd.service, "smtpd_milters", value);
  });
  found.push_back(std::move(finding));
}

/// Postfix's daemons give up every group but their own one.
void find_access(const PostfixView& view, const Socket& socket, std::vector<Finding>& found) {
  const auto owner = view.setup.values.find("mail_owner");
  if (owner == view.setup.values.end()) return;
  const auto& user = view.config.server.user;
  const auto theirs = view.around.group_of(owner->second);
  const auto ours = socket.group.empty() ? view.around.group_of(user) : view.around.group_number(socket.group);
  if (!theirs || !ours || (socket.mode & others_write) != 0) return;
  if ((socket.mode & group_write) != 0 && *ours == *theirs) return;
  if ((socket.mode & owner_write) != 0 && user == owner->second) return;
  auto finding = make_finding(
      "socket-access", fmt::format("{}: Postfix's daemons run as user and group {}, who may not connect to a socket of "
                                   "group \"{}\" with mode 0o{:o}",
                                   socket.listen.address, owner->second, socket.group, socket.mode));
  finding.place.file = view.file;
  const auto table = fmt::format("[{}]", socket.table);
  if (*ours != *theirs && view.around.group_number(owner->second) == theirs)
    finding.fixes.push_back({view.file, table, fmt::format("socket-group = \"{}\"", owner->second)});
  if ((socket.mode & group_write) == 0)
    finding.fixes.push_back({view.file, table, fmt::format("socket-mode = 0o{:o}", socket.mode | group_write | 0040)});
  found.push_back(std::move(finding));
}

void find_folder(const PostfixView& view, const Socket& socket, std::vector<Finding>& found) {
  const auto folder = std::filesystem::path(socket.listen.address).parent_path().string();
  if (view.around.is_folder(folder)) return;
  auto finding = make_finding("socket-folder", fmt::format("{}: the folder {} is not there, so danegate cannot listen",
                                                           socket.listen.address, folder));
  finding.place.file = view.file;
  const auto& user = view.config.server.user;
  finding.fixes.push_back({{},
                           {},
                           fmt::format("install -d {}{}-m 750 {}", user.empty() ? "" : "-o " + user + ' ',
                                       socket.group.empty() ? "" : "-g " + socket.group + ' ', folder)});
  found.push_back(std::move(finding));
}

void find_at(const PostfixView& view, const Socket& socket, std::vector<Finding>& found) {
  if (socket.listen.kind != Listen::Kind::unix_socket) return;
  find_access(view, socket, found);
  find_folder(view, socket, found);
}

} // namespace

std::vector<Finding> find_sockets(const PostfixView& view) {
  std::vector<Finding> found;
  bool asked = false;
  bool filtered = false;
  for (const auto& smtpd : view.smtpd) {
    asked = asked || !smtpd.asks.empty() || smtpd.map_may_ask;
    filtered = filtered || !smtpd.milters.empty();
    for (const auto* const ask : smtpd.all_asks())
      find_policy_mismatch(view, smtpd, *ask, found);
    for (const auto& use : smtpd.milters)
      find_milter_mismatch(view, smtpd, use, found);
  }
  const auto& policy = view.config.policy;
  const auto& milter = view.config.milter;
  for (const auto& listen : policy.listen)
    if (asked) find_at(view, {"policy", listen, policy.socket_mode, policy.socket_group}, found);
  if (milter.listen && filtered)
    find_at(view, {"milter", *milter.listen, milter.socket_mode, milter.socket_group}, found);
  return found;
}

} // namespace danegate::ctl
