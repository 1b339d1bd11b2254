// `danegate tlsa --cert FILE|--key FILE --name NAME`: the line that a client publishes in its zone.
//
// JSON: one object. records: a list, each with owner, ttl, usage, selector, matching, data (hexadecimal), line (of a
// zone file); warnings: a list of texts.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace danegate::ctl {

struct TlsaOptions {
  std::string config_file;
  std::string name;                ///< a host name, an address, or an owner name
  std::string label;               ///< goes before a host name; empty: as the service's templates say
  std::string service;             ///< of the configuration; empty: the first one that makes a name of it
  std::string certificate;         ///< file, PEM or DER; one of these two is given
  std::string key;                 ///< file, public or private
  std::vector<std::string> usages; ///< "3 1 1" or "311"; empty: that
  unsigned ttl = 3600;
  bool force = false; ///< also what no mail server of today can judge
  bool json = false;
};

/// Lines go to `out`, warnings to `err`. Exit codes: 0; 64 a wrong name or usage, or one that no mail server can judge;
/// 65 a file that cannot be read; 78 the configuration, which is read only for its services.
int tlsa(const TlsaOptions& options, std::ostream& out, std::ostream& err);

} // namespace danegate::ctl
