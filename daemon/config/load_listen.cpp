#include "daemon/config/load_parts.h"

#include <fmt/format.h>

#include <sys/un.h>

#include <expected>

namespace danegate::config {

namespace {

constexpr std::size_t max_path = sizeof(sockaddr_un::sun_path) - 1;

constexpr std::string_view expected_form =
    R"(expected "unix:/path", "inet:127.0.0.1:port" or "inet:[::1]:port", with a numeric address)";

std::expected<Listen, std::string> parse_unix(std::string_view path) {
  if (!path.starts_with('/')) return std::unexpected("expected an absolute path after \"unix:\"");
  if (path.size() > max_path)
    return std::unexpected(
        fmt::format("the path is {} octets long, a unix socket's at most {}", path.size(), max_path));
  return Listen{Listen::Kind::unix_socket, std::string(path), 0};
}

std::expected<Listen, std::string> parse_inet(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::unexpected(std::string(expected_form));
  auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool numeric = host.find_first_not_of("0123456789abcdefABCDEF.:") == std::string_view::npos;
  const auto address = numeric ? core::IpAddress::parse(host) : std::nullopt;
  if (!address || host.contains(':') != bracketed) return std::unexpected(std::string(expected_form));
  const auto port = core::parse_port(digits);
  if (!port) return std::unexpected(fmt::format("expected a port from 1 to 65535, found \"{}\"", digits));
  return Listen{Listen::Kind::inet, address->text(), *port};
}

} // namespace

std::string Listen::text() const {
  if (kind == Kind::unix_socket) return "unix:" + address;
  return fmt::format(address.contains(':') ? fmt::runtime("inet:[{}]:{}") : fmt::runtime("inet:{}:{}"), address, port);
}

std::expected<Listen, std::string> parse_listen(std::string_view text) {
  constexpr std::string_view unix_prefix = "unix:";
  constexpr std::string_view inet_prefix = "inet:";
  if (text.starts_with(unix_prefix)) return parse_unix(text.substr(unix_prefix.size()));
  if (text.starts_with(inet_prefix)) return parse_inet(text.substr(inet_prefix.size()));
  return std::unexpected(std::string(expected_form));
}

} // namespace danegate::config
