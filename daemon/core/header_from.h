// Whom a message's From header fields name, as the `from` condition of rules sees it. Pure.
//
// Made by a front end that sees headers (milter/from_field.h). An author is an address that could be read; fields that
// could not be read are kept as text, because a From that cannot be parsed and contains a ruled domain's text holds
// that rule: what one reader cannot parse, another shows to the recipient.
#pragma once

#include "daemon/core/mail_address.h"

#include <cstdint>
#include <string>
#include <vector>

namespace danegate::core {

/// What a search of the unreadable text may miss. Ordered: each includes those before it.
enum class Hidden : std::uint8_t {
  nothing,
  a_labels, ///< internationalised names, because some text is in an unknown charset: each of them is mentioned
  anything, ///< text beyond a bound, or encoded beyond our understanding: every domain is mentioned
};

struct HeaderFrom {
  std::vector<MailAddress> addresses;  ///< domain absent: it is no DNS name, or there is neither one nor an origin
  std::vector<std::string> unreadable; ///< readings, ASCII lower case; for mentions() and for the log
  Hidden hidden = Hidden::nothing;

  bool is_readable() const noexcept { return unreadable.empty() && hidden == Hidden::nothing; }

  /// Whether some text that cannot be read contains the domain's, or might. Addresses are not looked at.
  bool mentions(const DnsName& domain) const noexcept;
};

} // namespace danegate::core
