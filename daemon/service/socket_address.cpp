#include "daemon/service/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>

namespace danegate::service {
namespace {

template <class Native>
SocketAddress wrap(const Native& native, std::size_t length) noexcept {
  static_assert(sizeof(Native) <= sizeof(sockaddr_storage));
  SocketAddress address;
  std::memcpy(&address.storage, &native, sizeof native);
  address.length = static_cast<socklen_t>(length);
  return address;
}

template <class Native>
Native unwrap(const SocketAddress& address) noexcept {
  Native native{};
  std::memcpy(&native, &address.storage, sizeof native);
  return native;
}

std::optional<SocketAddress> unix_address(const std::string& path) {
  sockaddr_un name{};
  if (path.empty() || path.size() >= sizeof name.sun_path) return std::nullopt;
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, path.size());
  return wrap(name, offsetof(sockaddr_un, sun_path) + path.size() + 1);
}

std::optional<SocketAddress> inet_address(const std::string& text, std::uint16_t port) {
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return wrap(v4, sizeof v4);
  }
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return wrap(v6, sizeof v6);
}

std::string path_of(const SocketAddress& address) {
  const auto name = unwrap<sockaddr_un>(address);
  if (address.length <= offsetof(sockaddr_un, sun_path)) return {};
  const std::size_t size = address.length - offsetof(sockaddr_un, sun_path);
  if (name.sun_path[0] == '\0') return "@" + std::string(name.sun_path + 1, size - 1);
  return {name.sun_path, ::strnlen(name.sun_path, size)};
}

config::Listen inet_listen(int family, const void* number, in_port_t port) {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family, number, text, sizeof text);
  return {config::Listen::Kind::inet, text, ntohs(port)};
}

} // namespace

sockaddr* SocketAddress::get() noexcept {
  return reinterpret_cast<sockaddr*>(&storage);
}

std::optional<SocketAddress> to_socket_address(const config::Listen& listen) {
  switch (listen.kind) {
  case config::Listen::Kind::unix_socket: return unix_address(listen.address);
  case config::Listen::Kind::inet: return inet_address(listen.address, listen.port);
  }
  return std::nullopt;
}

std::optional<config::Listen> bound_address(int descriptor) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (::getsockname(descriptor, address.get(), &address.length) != 0) return std::nullopt;
  if (address.family() == AF_UNIX) return config::Listen{config::Listen::Kind::unix_socket, path_of(address), 0};
  if (address.family() == AF_INET) {
    const auto name = unwrap<sockaddr_in>(address);
    return inet_listen(AF_INET, &name.sin_addr, name.sin_port);
  }
  if (address.family() == AF_INET6) {
    const auto name = unwrap<sockaddr_in6>(address);
    return inet_listen(AF_INET6, &name.sin6_addr, name.sin6_port);
  }
  return std::nullopt;
}

} // namespace danegate::service
