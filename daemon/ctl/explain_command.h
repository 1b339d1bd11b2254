// `danegate explain < request`: reads requests, has each judged by the very code that the daemon runs, prints every
// step.
#pragma once

#include <iosfwd>
#include <string>

namespace danegate::ctl {

struct ExplainOptions {
  std::string config_file;
  std::string certificate_file; ///< PEM or DER; empty: none. It has to be the one whose fingerprint the request has
  bool json = false;
};

/// Reads `in` to its end before the first verdict. EX_OK; EX_DATAERR for a request or certificate that is wrong;
/// EX_CONFIG. What comes before a wrong request is explained.
int explain(const ExplainOptions& options, std::istream& in, std::ostream& out, std::ostream& err);

/// The same, judged by the running daemon at `socket` (empty: as the configuration says), with its rules, cache and
/// roster. No certificate. EX_UNAVAILABLE where it cannot be reached.
int explain_live(const ExplainOptions& options, const std::string& socket, std::istream& in, std::ostream& out,
                 std::ostream& err);

} // namespace danegate::ctl
