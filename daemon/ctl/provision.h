// `danegate provision NAME`: the client's side. Makes a key, says what to publish, what to write into the sending
// Postfix's main.cf, what to tell the other side, and how the key is changed.
//
// Run again it makes nothing new and says the same: no key is ever overwritten or deleted (key_folder.h).
#pragma once

#include "daemon/ctl/terminal.h"

#include <iosfwd>
#include <string>

namespace danegate::ctl {

struct ProvisionOptions {
  std::string config_file;
  std::string name;   ///< the host name that the client says at EHLO
  std::string folder; ///< keys are in folder/NAME
  std::string label;  ///< of the owner name; empty: as the service's templates say
  std::string service;
  unsigned ttl = 3600;      ///< of the records
  bool raw_key = false;     ///< the client is to show its key without the certificate
  bool next = false;        ///< make the next key beside the present one
  bool switch_over = false; ///< the next key becomes the present one, if DNS has its record
  bool force = false;       ///< switch without a look at DNS
  bool json = false;
};

/// The report goes to `out`, warnings to `err`. Exit codes: 0; 64 a wrong name, or nothing to switch to; 65 a key file
/// that cannot be read; 73 one that cannot be written; 75 the next key is not published yet; 78 the configuration.
int provision(const ProvisionOptions& options, const Style& style, std::ostream& out, std::ostream& err);

} // namespace danegate::ctl
