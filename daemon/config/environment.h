// What a configuration wants to know of the host it is read on.
#pragma once

#include "daemon/core/ports.h"

#include <map>
#include <string>

namespace danegate::config {

struct Environment {
  std::string host_name;   ///< default of server.authserv-id; its domain is the last resort for server.origin
  std::string mail_origin; ///< Postfix's myorigin; empty where there is no Postfix
  core::Ports ports;
  bool has_postfix_group = true; ///< the default of socket-group means something
};

/// Asks the system, and Postfix's `postconf` where it is installed (bounded: postconf.h). Call it once, at start: the
/// answers do not change with a reload. `folder`: where that Postfix has its main.cf.
Environment read_environment(const core::Ports& ports, const std::string& folder = "/etc/postfix");

/// The same from what gethostname() and postconf said. Where myorigin is a path, as on Debian, the file is read.
Environment make_environment(std::string host_name, const std::map<std::string, std::string>& postfix,
                             const core::Ports& ports);

} // namespace danegate::config
