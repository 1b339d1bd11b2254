// `danegate verify --name NAME --cert FILE|--key FILE|--digest HEX`: does a credential match what is published for the
// name, by the very code that judges sessions in the daemon.
//
// It is authentication alone: no rule and no lookup list is asked, so `not-allowed` and `not-listed` do not occur.
//
// JSON: one object. name; service (empty: an owner name was given); result, reason, detail, identity, owner and dnssec
// as in `danegate explain`; note; names, as there.
#pragma once

#include "daemon/ctl/terminal.h"

#include <iosfwd>
#include <string>

namespace danegate::ctl {

struct VerifyOptions {
  std::string config_file;
  std::string name;                 ///< an owner name, a host name or an address
  std::string service;              ///< empty: the first one that makes an owner name of it
  std::string certificate;          ///< file, PEM or DER; one of these three is given
  std::string key;                  ///< file: public or private key, shown as a raw public key
  std::string digest;               ///< HEX, cert:HEX or key:HEX
  std::string shown_by = "postfix"; ///< the mail server that shows the certificate: postfix, sendmail or exim
  bool json = false;
};

/// Exit codes: 0 pass, 1 fail, 2 none, 75 temperror; 65 permerror, or a file or digest that cannot be read; 64 a wrong
/// name or service; 78 the configuration.
int verify(const VerifyOptions& options, const Style& style, std::ostream& out, std::ostream& err);

} // namespace danegate::ctl
