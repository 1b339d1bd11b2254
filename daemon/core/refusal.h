// What a refused client is told: a reply code, an enhanced status code and a text, the same by every front end. Pure.
//
// The text is the rule's or a default, made printable and cut, followed by "[ref XXXXXXXX]"; a text that is too long
// loses its end, never the reference. The cause is not told (RFC 3463 section 3.8).
#pragma once

#include "daemon/core/decision.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace danegate::core {

/// Octets of a whole refusal. Postfix puts "<recipient>: Recipient address rejected: " before the policy protocol's
/// text and cuts the SMTP line at 510.
inline constexpr std::size_t max_refusal = 400;

struct Refusal {
  std::string_view code;     ///< "550" or "451"
  std::string_view enhanced; ///< "5.7.1"
  std::string words;         ///< printable ASCII

  /// "550 5.7.1 WORDS".
  std::string text() const;
};

/// For an outcome whose action is reject or defer; any other is deferred.
Refusal refusal_of(const Outcome& outcome, std::string_view ref);

/// What a mail server's quarantine says of a held message.
std::string hold_text(std::string_view ref);

} // namespace danegate::core
