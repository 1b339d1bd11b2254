// Between a configured listening address and the one that the system calls take.
#pragma once

#include "daemon/config/config.h"

#include <sys/socket.h>

#include <optional>

namespace danegate::service {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* get() noexcept;

  int family() const noexcept { return storage.ss_family; }
};

/// nullopt: a path that is empty or longer than sun_path holds (107 octets), or an address that is not numeric.
std::optional<SocketAddress> to_socket_address(const config::Listen& listen);

/// The address that a unix or inet socket is bound to; an abstract unix socket is written "@name", as systemd does.
/// nullopt for other families.
std::optional<config::Listen> bound_address(int descriptor);

} // namespace danegate::service
