// What the load generators share: endpoints as danegate spells them, a clock, and an end for what cannot go on.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace danegate::bench {

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline std::uint64_t now() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

/// A connected stream socket to unix:PATH or inet:ADDRESS:PORT (IPv4).
inline int connect_to(std::string_view endpoint) {
  int descriptor = -1;
  int status = -1;
  if (endpoint.starts_with("unix:")) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path(endpoint.substr(5));
    if (path.size() >= sizeof address.sun_path) die("endpoint");
    std::memcpy(address.sun_path, path.data(), path.size());
    descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    status = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    const std::size_t colon = endpoint.rfind(':');
    if (!endpoint.starts_with("inet:") || colon < 5) die("endpoint");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(std::string(endpoint.substr(colon + 1)).c_str())));
    if (inet_pton(AF_INET, std::string(endpoint.substr(5, colon - 5)).c_str(), &address.sin_addr) != 1) die("endpoint");
    descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    status = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  if (status < 0) die("connect");
  return descriptor;
}

} // namespace danegate::bench
