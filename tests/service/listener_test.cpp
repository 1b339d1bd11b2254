#include "daemon/service/listener.h"

#include "daemon/service/socket_address.h"
#include "tests/support/catch.h"
#include "tests/support/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>

using namespace danegate;
using config::Listen;
using service::BoundListener;
using service::open_listener;
using service::SocketOptions;
using test::Sandbox;

namespace {

constexpr auto unix_socket = Listen::Kind::unix_socket;
constexpr auto inet = Listen::Kind::inet;

/// Whether somebody takes our call.
bool answers(const Listen& where) {
  auto address = service::to_socket_address(where).value();
  const int socket = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(socket >= 0);
  const bool connected = ::connect(socket, address.get(), address.length) == 0;
  ::close(socket);
  return connected;
}

bool exists(const std::string& path) {
  struct stat status {};

  return ::lstat(path.c_str(), &status) == 0;
}

struct stat status_of(const std::string& path) {
  struct stat status {};

  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

std::string error_of(const Listen& where, const SocketOptions& options = {}) {
  const auto listener = open_listener(where, options);
  return listener ? "" : listener.error();
}

/// What a daemon that was killed leaves behind.
void leave_stale(const Listen& where) {
  auto address = service::to_socket_address(where).value();
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(socket, address.get(), address.length) == 0);
  ::close(socket);
}

/// A group that we may give a file to: as root any, and then not our own; else our own.
const group& some_group() {
  const group* const entry = ::geteuid() == 0 ? ::getgrnam("daemon") : ::getgrgid(::getegid());
  REQUIRE(entry != nullptr);
  return *entry;
}

} // namespace

TEST_CASE("listener: a unix socket, its mode, group and flags; the file goes with it") {
  const Sandbox box;
  const Listen where = box.socket("policy");
  for (const unsigned mode : {0660U, 0600U, 0666U, 0777U}) {
    INFO(mode);
    const mode_t old = ::umask(0027);
    {
      const auto listener = open_listener(where, {mode, some_group().gr_name});
      REQUIRE(listener);
      CHECK(listener->address() == where);
      CHECK_FALSE(listener->inherited());
      const auto status = status_of(where.address);
      CHECK((status.st_mode & 0777) == mode);
      CHECK(status.st_gid == some_group().gr_gid);
      CHECK((::fcntl(listener->descriptor(), F_GETFL) & O_NONBLOCK) != 0);
      CHECK((::fcntl(listener->descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
      CHECK(answers(where));
    }
    CHECK(::umask(old) == 0027); // as it was
    CHECK_FALSE(exists(where.address));
  }
}

TEST_CASE("listener: what stands in the way") {
  const Sandbox box;
  const Listen where = box.socket("policy");

  SECTION("a stale socket is replaced") {
    leave_stale(where);
    REQUIRE(exists(where.address));
    const auto listener = open_listener(where, {});
    REQUIRE(listener);
    CHECK(answers(where));
  }
  SECTION("a live one is not") {
    const auto first = open_listener(where, {});
    REQUIRE(first);
    CHECK(error_of(where).contains("in use"));
    CHECK(error_of(where).contains(where.address));
    CHECK(answers(where));
  }
  SECTION("a live one whose backlog is full is not") {
    auto address = service::to_socket_address(where).value();
    const int busy = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(busy, address.get(), address.length) == 0);
    REQUIRE(::listen(busy, 0) == 0);
    const int waiting = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(waiting, address.get(), address.length) == 0);
    CHECK(error_of(where).contains("in use"));
    CHECK(exists(where.address));
    ::close(waiting);
    ::close(busy);
  }
  SECTION("a datagram socket that somebody reads is not") {
    auto address = service::to_socket_address(where).value();
    const int other = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(other, address.get(), address.length) == 0);
    CHECK(error_of(where).contains("in use"));
    CHECK(exists(where.address));
    ::close(other);
  }
  SECTION("a file is left alone") {
    std::ofstream{where.address} << "precious";
    CHECK(error_of(where).contains("not a socket"));
    std::string text;
    std::ifstream{where.address} >> text;
    CHECK(text == "precious");
  }
  SECTION("a symbolic link is left alone") {
    REQUIRE(::symlink("/nonexistent", where.address.c_str()) == 0);
    CHECK(error_of(where).contains("not a socket"));
    CHECK(exists(where.address));
  }
}

TEST_CASE("listener: what cannot be opened, and how that is said") {
  const Sandbox box;
  std::ofstream{box.path("file")} << "x";

  struct Row {
    const char* label;
    Listen where;
    SocketOptions options;
    std::string said;
  };

  const std::string no_folder = box.path("nowhere") + "/policy";
  const Row rows[]{
      {"no such folder", {unix_socket, no_folder, 0}, {}, "directory " + box.path("nowhere")},
      {"folder is a file", {unix_socket, box.path("file") + "/policy", 0}, {}, "not a directory"},
      {"no such group", box.socket("policy"), {0660, "no-such-group"}, "group no-such-group does not exist"},
      {"path too long", {unix_socket, box.path(std::string(120, 'x')), 0}, {}, "107 octets"},
      {"no path", {unix_socket, "", 0}, {}, "107 octets"},
      {"not numeric", {inet, "localhost", 0}, {}, "not a numeric address"},
      {"address of another host", {inet, "192.0.2.1", 0}, {}, "cannot bind"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    const std::string error = error_of(row.where, row.options);
    CHECK(error.contains(row.said));
    CHECK(error.starts_with(row.where.text() + ": "));
  }
  CHECK_FALSE(exists(box.path("policy")));
}

TEST_CASE("listener: a longest path works") {
  const Sandbox box;
  const std::string root = box.path("");
  const Listen where = box.socket(std::string(107 - root.size(), 'x'));
  REQUIRE(where.address.size() == 107);
  REQUIRE(open_listener(where, {}));
}

TEST_CASE("listener: inet, one address family each") {
  const auto v6 = open_listener({inet, "::", 0}, {});
  REQUIRE(v6);
  const Listen where6 = service::bound_address(v6->descriptor()).value();
  REQUIRE(where6.port != 0);
  const auto v4 = open_listener({inet, "0.0.0.0", where6.port}, {}); // would be taken, were v6 a dual one
  REQUIRE(v4);
  CHECK(answers({inet, "127.0.0.1", where6.port}));
  CHECK(answers({inet, "::1", where6.port}));
  CHECK(error_of({inet, "127.0.0.1", where6.port}).contains("cannot bind"));
}

TEST_CASE("listener: a port that was in use a moment ago") {
  std::optional<Listen> where;
  {
    const auto first = open_listener({inet, "127.0.0.1", 0}, {});
    REQUIRE(first);
    where = service::bound_address(first->descriptor());
    auto address = service::to_socket_address(*where).value();
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(client, address.get(), address.length) == 0);
    const int accepted = ::accept(first->descriptor(), nullptr, nullptr);
    REQUIRE(accepted >= 0);
    ::close(accepted); // we close first, so TIME_WAIT is ours
    ::close(client);
  }
  CHECK(open_listener(*where, {}));
}

TEST_CASE("listener: the file of a successor is not ours to remove") {
  const Sandbox box;
  const Listen where = box.socket("policy");
  auto first = open_listener(where, {});
  REQUIRE(first);
  REQUIRE(::unlink(where.address.c_str()) == 0);
  const auto second = open_listener(where, {});
  REQUIRE(second);
  first->close();
  CHECK(answers(where));
}

TEST_CASE("listener: moved and released") {
  const Sandbox box;
  const Listen where = box.socket("policy");
  auto opened = open_listener(where, {});
  REQUIRE(opened);
  BoundListener moved{std::move(*opened)};
  CHECK(answers(where));
  auto other = open_listener(box.socket("other"), {});
  REQUIRE(other);
  *other = std::move(moved);
  CHECK(answers(where));
  CHECK_FALSE(exists(box.path("other")));
  const int descriptor = other->release_descriptor();
  CHECK(other->descriptor() == -1);
  other->close();
  CHECK_FALSE(exists(where.address));
  CHECK(::fcntl(descriptor, F_GETFD) >= 0);
  ::close(descriptor);
}

TEST_CASE("listener: sockets of systemd, under their own address, and left in place") {
  const Sandbox box;
  const Listen where = box.socket("activated");
  auto made = open_listener(where, {});
  REQUIRE(made);
  // systemd begins at descriptor 3, whatever the test program has there.
  const int saved = ::fcntl(3, F_DUPFD_CLOEXEC, 100);
  REQUIRE(::dup2(made->descriptor(), 3) == 3);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", "1", 1);
  {
    auto activated = service::activated_listeners();
    REQUIRE(activated);
    REQUIRE(activated->size() == 1);
    const BoundListener& listener = activated->front();
    CHECK(listener.descriptor() == 3);
    CHECK(listener.address() == where);
    CHECK(listener.inherited());
    CHECK((::fcntl(3, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0);
    const auto again = service::activated_listeners();
    REQUIRE(again);
    CHECK(again->empty());
  }
  CHECK(::fcntl(3, F_GETFD) < 0);
  CHECK(exists(where.address));
  if (saved >= 0) {
    ::dup2(saved, 3);
    ::close(saved);
  }
}

TEST_CASE("listener: descriptors that cannot be adopted stay open") {
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  const int unbound = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int datagram = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (const int descriptor : {pipe[0], unbound, datagram}) {
    INFO(descriptor);
    const auto adopted = service::adopt_listener(descriptor);
    REQUIRE_FALSE(adopted);
    CHECK(adopted.error().contains("descriptor " + std::to_string(descriptor)));
    CHECK(::fcntl(descriptor, F_GETFD) >= 0);
    ::close(descriptor);
  }
  ::close(pipe[1]);
  CHECK_FALSE(service::adopt_listener(-1));
}

TEST_CASE("listener: addresses there and back") {
  struct Row {
    const char* label;
    Listen listen;
    std::string bound;
  };

  const Row rows[]{{"IPv4", {inet, "127.0.0.1", 0}, "127.0.0.1"},
                   {"IPv6", {inet, "::1", 0}, "::1"},
                   {"IPv6 in long", {inet, "0:0:0:0:0:0:0:1", 0}, "::1"}};
  for (const Row& row : rows) {
    INFO(row.label);
    const auto listener = open_listener(row.listen, {});
    REQUIRE(listener);
    const auto bound = service::bound_address(listener->descriptor());
    REQUIRE(bound);
    CHECK(bound->kind == inet);
    CHECK(bound->address == row.bound);
    CHECK(bound->port != 0);
  }
}

TEST_CASE("listener: a socket for its owner alone") {
  const Sandbox box;
  const auto where = box.socket("control");
  const auto listener = open_listener(where, {.mode = 0600, .owner = ::getuid()});
  REQUIRE(listener);
  struct stat status {};
  REQUIRE(::stat(where.address.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
  CHECK(status.st_uid == ::getuid());
}

TEST_CASE("listener: what is missing is opened, or nothing of it") {
  const Sandbox box;
  const auto one = box.socket("one");
  const auto two = box.socket("two");
  {
    const auto opened = service::open_listeners({one, two}, {one}, {});
    REQUIRE(opened);
    REQUIRE(opened->size() == 1);
    CHECK(opened->front().address() == two);
    CHECK_FALSE(exists(one.address));
  }
  const Listen nowhere{Listen::Kind::unix_socket, box.path("nowhere") + "/x", 0};
  CHECK_FALSE(service::open_listeners({one, nowhere}, {}, {}));
  CHECK_FALSE(exists(one.address)); // closed again
}
