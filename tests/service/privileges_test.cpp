#include "daemon/service/privileges.h"
#include "tests/support/catch.h"

#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

using danegate::service::drop_privileges;

namespace {

/// The exit code of a child that runs `work`: what it gives up must not be given up here.
int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(work());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool no_new_privileges() {
  return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

std::vector<gid_t> groups_of(const passwd& account) {
  int count = 64;
  std::vector<gid_t> groups(64);
  ::getgrouplist(account.pw_name, account.pw_gid, groups.data(), &count);
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

std::vector<gid_t> own_groups() {
  std::vector<gid_t> groups(64);
  groups.resize(static_cast<std::size_t>(::getgroups(64, groups.data())));
  return groups;
}

/// 0, or the number of the first thing that is wrong.
int become(const char* user) {
  const passwd* account = ::getpwnam(user);
  if (!account) return 2;
  const auto groups = groups_of(*account);
  if (!drop_privileges(user)) return 3;
  uid_t real = 0, effective = 0, saved = 0;
  ::getresuid(&real, &effective, &saved);
  if (real != account->pw_uid || effective != account->pw_uid || saved != account->pw_uid) return 4;
  gid_t real_group = 0, effective_group = 0, saved_group = 0;
  ::getresgid(&real_group, &effective_group, &saved_group);
  if (real_group != account->pw_gid || effective_group != account->pw_gid || saved_group != account->pw_gid) return 5;
  if (own_groups() != groups) return 6;
  if (::setuid(0) == 0 || ::setgid(0) == 0 || ::seteuid(0) == 0) return 7;
  return no_new_privileges() ? 0 : 8;
}

} // namespace

TEST_CASE("a process that is not root stays who it is, without a way up") {
  CHECK(in_child([] {
          if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return 1;
          const uid_t before = ::geteuid();
          if (!drop_privileges("daemon")) return 2;
          if (::geteuid() != before) return 3;
          return no_new_privileges() ? 0 : 4;
        }) == 0);
}

TEST_CASE("an empty user changes nobody") {
  CHECK(in_child([] {
          const uid_t before = ::geteuid();
          if (!drop_privileges("")) return 1;
          return ::geteuid() == before && no_new_privileges() ? 0 : 2;
        }) == 0);
}

TEST_CASE("root becomes the user, with the user's groups, for good") {
  if (::geteuid() != 0) {
    WARN("not root: only the tests for other users ran");
    return;
  }
  CHECK(in_child([] { return become("daemon"); }) == 0);
  CHECK(in_child([] { return become("nobody"); }) == 0);
}

TEST_CASE("users that root cannot become") {
  if (::geteuid() != 0) {
    WARN("not root: only the tests for other users ran");
    return;
  }
  for (const char* user : {"no-such-user-here", "root"}) {
    INFO(user);
    CHECK(in_child([user] {
            const auto dropped = drop_privileges(user);
            if (dropped) return 1;
            if (dropped.error().message.find(user) == std::string::npos) return 2;
            return dropped.error().exit_code;
          }) == EX_NOUSER);
  }
}
