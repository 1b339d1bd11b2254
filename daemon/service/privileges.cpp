#include "daemon/service/privileges.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

namespace danegate::service {

namespace {

std::unexpected<PrivilegeError> refuse(int exit_code, std::string message) {
  return std::unexpected(PrivilegeError{exit_code, std::move(message)});
}

std::unexpected<PrivilegeError> system_error(const std::string& step) {
  return refuse(EX_OSERR, step + ": " + std::strerror(errno)); // NOLINT(concurrency-mt-unsafe): no thread runs yet
}

/// The ids are what they should be, and root's cannot be had again.
bool is_for_good(const Account& account) {
  std::array<uid_t, 3> users{};
  std::array<gid_t, 3> groups{};
  if (::getresuid(&users[0], &users[1], &users[2]) != 0 || ::getresgid(&groups[0], &groups[1], &groups[2]) != 0)
    return false;
  for (uid_t user : users)
    if (user != account.user) return false;
  for (gid_t group : groups)
    if (group != account.group) return false;
  return ::setresuid(0, 0, 0) != 0 && ::seteuid(0) != 0;
}

std::expected<void, PrivilegeError> become(const std::string& user, const Account& account) {
  if (::initgroups(user.c_str(), account.group) != 0) return system_error("cannot set the groups of \"" + user + "\"");
  if (::setresgid(account.group, account.group, account.group) != 0)
    return system_error("cannot become the group of \"" + user + "\"");
  if (::setresuid(account.user, account.user, account.user) != 0)
    return system_error("cannot become user \"" + user + "\"");
  if (!is_for_good(account))
    return refuse(EX_OSERR, "root's privileges could be regained after becoming \"" + user + "\"");
  return {};
}

} // namespace

std::expected<Account, PrivilegeError> find_account(const std::string& user) {
  std::vector<char> buffer(1024);
  passwd entry{};
  passwd* found = nullptr;
  int error = 0;
  while ((error = ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
         buffer.size() < (1U << 20U))
    buffer.resize(buffer.size() * 2);
  if (error != 0) {
    errno = error;
    return system_error("cannot look up user \"" + user + "\"");
  }
  if (!found) return refuse(EX_NOUSER, "server.user: there is no user \"" + user + "\"");
  if (entry.pw_uid == 0) return refuse(EX_NOUSER, "server.user: \"" + user + "\" is root under another name");
  return Account{entry.pw_uid, entry.pw_gid};
}

std::expected<void, PrivilegeError> drop_privileges(const std::string& user) {
  if (::geteuid() == 0 && !user.empty()) {
    const auto account = find_account(user);
    if (!account) return std::unexpected(account.error());
    if (auto became = become(user, *account); !became) return became;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error("cannot set NO_NEW_PRIVS");
  return {};
}

} // namespace danegate::service
