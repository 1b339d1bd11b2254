#include "daemon/service/listener.h"

#include "daemon/service/socket_address.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

namespace danegate::service {
namespace {

/// Closes a descriptor on the error paths.
class Descriptor {
public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const noexcept { return fd_; }

private:
  int fd_;
};

constexpr auto no_group = static_cast<gid_t>(-1); ///< for chown(): leave it
constexpr auto no_owner = static_cast<uid_t>(-1);

class Umask {
public:
  explicit Umask(mode_t mask) noexcept : old_(::umask(mask)) {}

  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

  ~Umask() { ::umask(old_); }

private:
  mode_t old_;
};

std::string reason(int error) {
  return std::generic_category().message(error);
}

std::unexpected<std::string> failure(const config::Listen& listen, std::string_view what, int error = 0) {
  std::string text = listen.text();
  text.append(": ").append(what);
  if (error != 0) text.append(": ").append(reason(error));
  return std::unexpected(std::move(text));
}

int open_socket(int family) noexcept {
  return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/// 0 if nobody listens there any more; EADDRINUSE if somebody does; otherwise why we cannot tell.
int probe(SocketAddress& address) noexcept {
  const Descriptor socket{open_socket(AF_UNIX)};
  if (socket.get() < 0) return errno;
  if (::connect(socket.get(), address.get(), address.length) == 0) return EADDRINUSE;
  switch (errno) {
  case ECONNREFUSED:
  case ENOENT: return 0;
  case EAGAIN:     // its backlog is full
  case EPROTOTYPE: // a datagram socket
    return EADDRINUSE;
  default: return errno;
  }
}

/// Makes room for a socket file.
std::expected<void, std::string> clear_path(const config::Listen& listen, SocketAddress& address) {
  const std::string& path = listen.address;
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);

  struct stat status{};

  if (::stat(directory.c_str(), &status) != 0) return failure(listen, "directory " + directory, errno);
  if (!S_ISDIR(status.st_mode)) return failure(listen, directory + " is not a directory");

  if (::lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? std::expected<void, std::string>{} : failure(listen, "cannot look at it", errno);
  }
  if (!S_ISSOCK(status.st_mode)) return failure(listen, "something that is not a socket is in the way");
  switch (const int why = probe(address)) {
  case 0: break;
  case EADDRINUSE: return failure(listen, "in use: somebody listens on it");
  default: return failure(listen, "cannot tell whether somebody listens on it", why);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure(listen, "cannot remove the stale socket", errno);
  return {};
}

/// The group's number; an error says which group is missing.
std::expected<gid_t, std::string> group_number(const config::Listen& listen, const std::string& name) {
  if (name.empty()) return no_group;
  group entry{};
  group* found = nullptr;
  std::vector<char> buffer(1024);
  int error = 0;
  while ((error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
         buffer.size() < std::size_t{1} << 20U) {
    buffer.resize(2 * buffer.size());
  }
  if (error != 0) return failure(listen, "cannot look up group " + name, error);
  if (found == nullptr) return failure(listen, "group " + name + " does not exist");
  return entry.gr_gid;
}

struct SocketFile {
  dev_t device;
  ino_t inode;
};

/// The file that bind() made at our path, with its owner and group. By descriptor, so that nobody who may write to the
/// directory can put another file under our hands.
std::expected<SocketFile, std::string> finish_file(const config::Listen& listen, const SocketOptions& options,
                                                   gid_t group) {
  const Descriptor file{::open(listen.address.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};

  struct stat status{};

  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return failure(listen, "cannot find its file", errno);
  if (!S_ISSOCK(status.st_mode)) return failure(listen, "its file was replaced by something else");
  // In a set-group-ID folder it has the group already, and whoever may give it to nobody need not.
  const bool to_group = group != no_group && group != status.st_gid;
  if (to_group && ::fchownat(file.get(), "", no_owner, group, AT_EMPTY_PATH) != 0) {
    return failure(listen, "cannot give it to group " + options.group, errno);
  }
  if (options.owner && ::fchownat(file.get(), "", *options.owner, no_group, AT_EMPTY_PATH) != 0) {
    return failure(listen, "cannot give it to its user", errno);
  }
  return SocketFile{status.st_dev, status.st_ino};
}

std::expected<SocketFile, std::string> bind_unix(const config::Listen& listen, SocketAddress& address,
                                                 const SocketOptions& options, const std::function<bool()>& bind) {
  const auto group = group_number(listen, options.group);
  if (!group) return std::unexpected(group.error());
  if (auto cleared = clear_path(listen, address); !cleared) return std::unexpected(std::move(cleared.error()));
  {
    const Umask exact{static_cast<mode_t>(~options.mode & 0777U)};
    if (!bind()) return failure(listen, "cannot bind", errno);
  }
  auto file = finish_file(listen, options, *group);
  if (!file) ::unlink(listen.address.c_str());
  return file;
}

std::expected<void, std::string> bind_inet(int socket, const config::Listen& listen, SocketAddress& address) {
  const int on = 1;
  if (::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    return failure(listen, "cannot set SO_REUSEADDR", errno);
  }
  if (address.family() == AF_INET6 && ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
    return failure(listen, "cannot set IPV6_V6ONLY", errno);
  }
  if (::bind(socket, address.get(), address.length) != 0) return failure(listen, "cannot bind", errno);
  return {};
}

bool set_flags(int descriptor) noexcept {
  const int status = ::fcntl(descriptor, F_GETFL);
  return status >= 0 && ::fcntl(descriptor, F_SETFL, status | O_NONBLOCK) == 0 &&
         ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

} // namespace

BoundListener::BoundListener(BoundListener&& other) noexcept
    : address_(std::move(other.address_)), descriptor_(std::exchange(other.descriptor_, -1)),
      inherited_(other.inherited_), made_file_(std::exchange(other.made_file_, false)), device_(other.device_),
      inode_(other.inode_) {}

BoundListener& BoundListener::operator=(BoundListener&& other) noexcept {
  if (this == &other) return *this;
  close();
  address_ = std::move(other.address_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  inherited_ = other.inherited_;
  made_file_ = std::exchange(other.made_file_, false);
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

BoundListener::~BoundListener() {
  close();
}

int BoundListener::release_descriptor() noexcept {
  return std::exchange(descriptor_, -1);
}

void BoundListener::close() noexcept {
  if (std::exchange(made_file_, false)) {
    struct stat status{};

    const char* const path = address_.address.c_str();
    const bool ours = ::lstat(path, &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
    if (ours) ::unlink(path);
  }
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

std::expected<BoundListener, std::string> open_listener(const config::Listen& listen, const SocketOptions& options) {
  const bool is_unix = listen.kind == config::Listen::Kind::unix_socket;
  auto address = to_socket_address(listen);
  if (!address) return failure(listen, is_unix ? "path is empty or longer than 107 octets" : "not a numeric address");
  const int socket = open_socket(address->family());
  if (socket < 0) return failure(listen, "cannot make a socket", errno);
  BoundListener listener{listen, socket};
  if (is_unix) {
    const auto file =
        bind_unix(listen, *address, options, [&] { return ::bind(socket, address->get(), address->length) == 0; });
    if (!file) return std::unexpected(file.error());
    listener.made_file_ = true;
    listener.device_ = file->device;
    listener.inode_ = file->inode;
  } else if (const auto bound = bind_inet(socket, listen, *address); !bound) {
    return std::unexpected(bound.error());
  }
  // Last: until now nobody could connect, whatever mode and group the file had on the way.
  if (::listen(socket, SOMAXCONN) != 0) return failure(listen, "cannot listen", errno);
  return listener;
}

std::expected<std::vector<BoundListener>, std::string> open_listeners(const std::vector<config::Listen>& wanted,
                                                                      const std::vector<config::Listen>& have,
                                                                      const SocketOptions& options) {
  std::vector<BoundListener> opened;
  for (const config::Listen& listen : wanted) {
    if (std::ranges::find(have, listen) != have.end()) continue;
    auto listener = open_listener(listen, options);
    if (!listener) return std::unexpected(std::move(listener.error()));
    opened.push_back(std::move(*listener));
  }
  return opened;
}

std::expected<std::vector<BoundListener>, std::string> open_listeners(const config::PolicySettings& policy,
                                                                      const std::vector<config::Listen>& have) {
  return open_listeners(policy.listen, have, {.mode = policy.socket_mode, .group = policy.socket_group});
}

std::expected<std::vector<BoundListener>, std::string> open_listeners(const config::MetricsSettings& metrics,
                                                                      const std::vector<config::Listen>& have) {
  constexpr std::uint32_t open_to_all = 0666;
  std::vector<config::Listen> wanted;
  if (metrics.listen) wanted.push_back(*metrics.listen);
  return open_listeners(wanted, have, {.mode = open_to_all, .group = {}});
}

std::expected<BoundListener, std::string> bind_through(const config::Listen& listen, const SocketOptions& options,
                                                       const std::function<bool()>& bind) {
  if (listen.kind == config::Listen::Kind::inet) {
    // Whoever has the address already is told apart here; a library may say no more than that it failed.
    if (const auto probed = open_listener(listen, options); !probed) return std::unexpected(probed.error());
    errno = 0;
    if (!bind()) return failure(listen, "cannot bind", errno);
    return BoundListener{listen, -1};
  }
  auto address = to_socket_address(listen);
  if (!address) return failure(listen, "path is empty or longer than 107 octets");
  const auto file = bind_unix(listen, *address, options, bind);
  if (!file) return std::unexpected(file.error());
  BoundListener listener{listen, -1};
  listener.made_file_ = true;
  listener.device_ = file->device;
  listener.inode_ = file->inode;
  return listener;
}

std::expected<BoundListener, std::string> adopt_listener(int descriptor) {
  const std::string name = "descriptor " + std::to_string(descriptor);
  const int fits = ::sd_is_socket(descriptor, AF_UNSPEC, SOCK_STREAM, 1);
  if (fits < 0) return std::unexpected(name + ": " + reason(-fits));
  auto address = fits == 0 ? std::nullopt : bound_address(descriptor);
  if (!address) return std::unexpected(name + ": not a listening stream socket");
  if (!set_flags(descriptor)) return std::unexpected(name + ": " + reason(errno));
  BoundListener listener{std::move(*address), descriptor};
  listener.inherited_ = true;
  return listener;
}

std::expected<std::vector<BoundListener>, std::string> activated_listeners() {
  const int count = ::sd_listen_fds(1);
  if (count < 0) return std::unexpected("socket activation: " + reason(-count));
  std::vector<BoundListener> listeners;
  for (int descriptor = SD_LISTEN_FDS_START; descriptor < SD_LISTEN_FDS_START + count; ++descriptor) {
    auto listener = adopt_listener(descriptor);
    if (!listener) return std::unexpected("socket activation: " + listener.error());
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

} // namespace danegate::service
