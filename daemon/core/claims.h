// Names that somebody asserts and that are worth nothing until a TLSA record matches.
#pragma once

#include "daemon/core/mail_address.h"

#include <string>

namespace danegate::core {

/// Text as it reached us, xtext already decoded; empty or "unknown" where there is none. Judged and converted only when
/// a template uses it (owner_names.h).
struct Claims {
  std::string helo;
  std::string subject; ///< CN where the mail server vouches for the chain, else the single SAN dNSName
  std::string client;  ///< forward-confirmed host name
  std::string sasl;    ///< login name
  MailAddress sender;
};

} // namespace danegate::core
