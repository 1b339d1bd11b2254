// Giving up root, for good.
//
// To be called once, after the sockets are bound and before any thread is started: NO_NEW_PRIVS holds for the calling
// thread and those it starts. The groups are those of the user database, so that membership of group postfix counts.
#pragma once

#include <expected>
#include <string>

#include <sys/types.h>

namespace danegate::service {

struct PrivilegeError {
  int exit_code; ///< sysexits(3): EX_NOUSER, or EX_OSERR where the system refused a step
  std::string message;
};

struct Account {
  uid_t user;
  gid_t group;
};

/// Of `server.user`; root under another name is none.
std::expected<Account, PrivilegeError> find_account(const std::string& user);

/// Becomes `user` if the process is root, and verifies that there is no way back; a process that is not root, and one
/// whose `user` is empty, stays who it is. Sets NO_NEW_PRIVS in any case. After an error the process may be half-way:
/// the only thing left to do is to exit.
std::expected<void, PrivilegeError> drop_privileges(const std::string& user);

} // namespace danegate::service
