// `danegate lookup NAME`: what DNS says under the owner names of a client, asked for as the daemon does.
//
// The answers come through the embedded resolver with [dns] of the configuration, or with its defaults where the host
// has none. Nothing is judged here: no rule, no list, no certificate.
#pragma once

#include "daemon/ctl/terminal.h"

#include <iosfwd>
#include <string>

namespace danegate::ctl {

struct LookupOptions {
  std::string config_file;
  std::string name;    ///< an owner name, a host name or an address
  std::string service; ///< only what this service's templates make of it; empty: every service's
  bool json = false;
};

/// The report goes to `out`. Exit codes: 0 records that can be judged, 1 absent (the denial is proven), 2 insecure,
/// 3 bogus, 4 records none of which can be judged, 75 failed; 64 a wrong name or service, 78 the configuration.
int lookup(const LookupOptions& options, const Style& style, std::ostream& out, std::ostream& err);

} // namespace danegate::ctl
