// Everything one run of `danegate check` found, and its two forms: text for people and JSON for scripts. Pure.
#pragma once

#include "daemon/ctl/finding.h"

#include <optional>
#include <string>
#include <vector>

namespace danegate::ctl {

struct LiveCount {
  std::size_t names = 0;      ///< owner names that were looked up
  std::size_t identities = 0; ///< those that have them
};

struct CheckReport {
  std::string file;           ///< danegate's configuration
  std::string postfix_folder; ///< empty: Postfix's side was not checked
  std::vector<Finding> findings;
  std::optional<LiveCount> live; ///< absent: nothing was looked up

  /// EX_OK, EX_CONFIG, or EX_TEMPFAIL (check.h).
  int status() const;
};

/// One paragraph for each finding: where, what, and the lines that mend it. Nothing where nothing was found.
std::string report_as_text(const CheckReport& report);
std::string report_as_json(const CheckReport& report);

/// Every kind of finding, for --list.
std::string kinds_as_text();

} // namespace danegate::ctl
