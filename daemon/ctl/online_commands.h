// The commands that ask a running daemon: `status`, `cache`, `reload`.
//
// JSON goes to `out` as the daemon made it; text is for people and may change. EX_OK; EX_UNAVAILABLE where the daemon
// cannot be reached; EX_DATAERR for a wrong name; EX_CONFIG for a configuration that the daemon refuses to load.
#pragma once

#include "daemon/ctl/daemon_client.h"
#include "daemon/ctl/terminal.h"

#include <iosfwd>
#include <string>

namespace danegate::ctl {

struct OnlineOptions {
  DaemonPlace daemon;
  bool json = false;
  std::string name;   ///< of `cache`; empty: none
  bool flush = false; ///< of `cache`
};

int show_status(const OnlineOptions& options, const Style& style, std::ostream& out, std::ostream& err);
int show_cache(const OnlineOptions& options, std::ostream& out, std::ostream& err);
int reload(const OnlineOptions& options, std::ostream& out, std::ostream& err);

} // namespace danegate::ctl
