#include "daemon/config/environment.h"

#include "daemon/config/postconf.h"
#include "daemon/config/read_file.h"

#include <grp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>
#include <vector>

namespace danegate::config {

namespace {

std::string system_host_name() {
  std::array<char, 256> buffer{}; // HOST_NAME_MAX is 64 on Linux
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return {};
  return buffer.data();
}

/// Debian's Postfix takes a myorigin that is a path for the file that holds it (/etc/mailname).
std::string resolve_origin(const std::string& myorigin) {
  constexpr std::size_t max_octets = 4096;
  if (!myorigin.starts_with('/')) return myorigin;
  const auto text = read_file(myorigin, max_octets);
  return text ? text->substr(0, text->find_first_of(" \t\r\n")) : std::string();
}

/// Only a plain "there is none" is false: whoever cannot tell finds out when the socket is opened.
bool has_group(const char* name) {
  constexpr std::size_t max_octets = std::size_t{1} << 20U;
  std::vector<char> buffer(1024);
  group entry{};
  group* found = nullptr;
  int error = 0;
  while ((error = ::getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
         buffer.size() < max_octets)
    buffer.resize(2 * buffer.size());
  return error != 0 || found != nullptr;
}

} // namespace

Environment make_environment(std::string host_name, const std::map<std::string, std::string>& postfix,
                             const core::Ports& ports) {
  const auto value = [&](const char* name) {
    const auto found = postfix.find(name);
    return found == postfix.end() ? std::string() : found->second;
  };
  Environment environment{std::move(host_name), resolve_origin(value("myorigin")), ports};
  // Postfix completes a bare host name with its domain.
  if (auto full = value("myhostname"); !environment.host_name.contains('.') && !full.empty())
    environment.host_name = std::move(full);
  return environment;
}

Environment read_environment(const core::Ports& ports, const std::string& folder) {
  const auto program = find_postconf(folder);
  const auto postfix =
      program.empty() ? std::nullopt : ask_postconf(main_cf_query(program, {"myhostname", "myorigin"}, folder));
  auto environment =
      make_environment(system_host_name(), postfix.value_or(std::map<std::string, std::string>{}), ports);
  environment.has_postfix_group = has_group("postfix");
  return environment;
}

} // namespace danegate::config
