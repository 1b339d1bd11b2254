// `danegate check`: is the configuration right, and does it fit the mail server beside it?
//
// Reads files, and asks Postfix's postconf where it is installed; sends nothing to anybody and starts no lookup, unless
// it is asked to (`live`).
#pragma once

#include "daemon/config/config.h"
#include "daemon/config/environment.h"
#include "daemon/ctl/check_report.h"

#include <iosfwd>
#include <string>

namespace danegate::ctl {

struct CheckOptions {
  std::string file;
  bool print_config = false;                   ///< also print every setting with the value in force
  std::string postconf{};                      ///< path of the tool; empty: there is no Postfix here
  std::string postfix_folder = "/etc/postfix"; ///< where that Postfix has its main.cf
  bool live = false;                           ///< look up what the rules name
  bool json = false;                           ///< the report on standard output, as one object
  bool progress = false;                       ///< standard error is a terminal that wants to know
};

/// The configuration and the JSON report go to `out`, everything else to `err`. EX_OK, with or without warnings;
/// EX_CONFIG; EX_TEMPFAIL if nothing is wrong but that DNS cannot be asked.
int check(const CheckOptions& options, const config::Environment& environment, std::ostream& out, std::ostream& err);

} // namespace danegate::ctl
