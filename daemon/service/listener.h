// Listening sockets: unix and inet, bound by us or handed over by systemd.
//
// They are opened before the daemon drops its privileges. A socket that cannot be opened is an error with a text for
// the operator, never a daemon that runs without it. Descriptors are non-blocking, close-on-exec, and listen with
// SOMAXCONN.
#pragma once

#include "daemon/config/config.h"

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace danegate::service {

/// Of unix sockets; inet sockets have neither.
struct SocketOptions {
  std::uint32_t mode = 0660;
  std::string group{};          ///< empty: the process's own
  std::optional<uid_t> owner{}; ///< absent: the process's own
};

/// A bound, listening socket. Closes it in the end, and unlinks the socket file if we made it and it is still ours.
class BoundListener {
public:
  BoundListener(config::Listen address, int descriptor) : address_(std::move(address)), descriptor_(descriptor) {}

  BoundListener(BoundListener&& other) noexcept;
  BoundListener& operator=(BoundListener&& other) noexcept;
  BoundListener(const BoundListener&) = delete;
  BoundListener& operator=(const BoundListener&) = delete;
  ~BoundListener();

  const config::Listen& address() const noexcept { return address_; }

  int descriptor() const noexcept { return descriptor_; }

  /// Handed over by systemd: stays open whatever the configuration says.
  bool inherited() const noexcept { return inherited_; }

  /// The descriptor now belongs to the caller; the socket file stays with us.
  int release_descriptor() noexcept;

  /// Unlinks and closes now what would be in the end.
  void close() noexcept;

private:
  friend std::expected<BoundListener, std::string> open_listener(const config::Listen&, const SocketOptions&);
  friend std::expected<BoundListener, std::string> adopt_listener(int);
  friend std::expected<BoundListener, std::string> bind_through(const config::Listen&, const SocketOptions&,
                                                                const std::function<bool()>&);

  config::Listen address_;
  int descriptor_ = -1;
  bool inherited_ = false;
  bool made_file_ = false;
  dev_t device_ = 0; ///< of the socket file that we made
  ino_t inode_ = 0;
};

/// Opens a listening socket.
///
/// unix: the directory has to exist. A socket file that nobody listens on is what a daemon that was killed leaves
/// behind, and is replaced; one that somebody listens on, or a file that is no socket, is an error. The file
/// is made with its mode and gets its owner and group before the socket listens, so nobody can connect who may not. The
/// umask of the process is changed for a moment.
///
/// inet: SO_REUSEADDR; IPv6 sockets take IPv6 only, so "[::]" and "0.0.0.0" are two listeners.
std::expected<BoundListener, std::string> open_listener(const config::Listen& listen, const SocketOptions& options);

/// Opens those that are wanted and not among `have`. All or nothing: what was opened is closed again on error.
std::expected<std::vector<BoundListener>, std::string> open_listeners(const std::vector<config::Listen>& wanted,
                                                                      const std::vector<config::Listen>& have,
                                                                      const SocketOptions& options);

/// Those of policy.listen, and that of metrics.listen. The latter's unix socket is open to everybody who can reach it,
/// as a port is.
std::expected<std::vector<BoundListener>, std::string> open_listeners(const config::PolicySettings& policy,
                                                                      const std::vector<config::Listen>& have);
std::expected<std::vector<BoundListener>, std::string> open_listeners(const config::MetricsSettings& metrics,
                                                                      const std::vector<config::Listen>& have);

/// The same for a library that binds and listens by itself, in `bind`, which says whether it could (and errno why not).
/// The result has no descriptor, only the socket's file. Between the library's listen() and the change of group the
/// socket is open to fewer, never to more.
std::expected<BoundListener, std::string> bind_through(const config::Listen& listen, const SocketOptions& options,
                                                       const std::function<bool()>& bind);

/// Takes over a listening stream socket, unix or inet, under its own address. On error the descriptor stays open.
std::expected<BoundListener, std::string> adopt_listener(int descriptor);

/// The sockets that systemd passed (sd_listen_fds(3)); none if it passed none. The environment variables are removed:
/// a second call gives nothing.
std::expected<std::vector<BoundListener>, std::string> activated_listeners();

} // namespace danegate::service
