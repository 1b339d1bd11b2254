// The reply side of Postfix's SMTPD policy protocol: one "action=" line and the empty line that ends it. Pure.
//
// Whatever goes in, what comes out is one line of printable ASCII with an action that Postfix knows: an empty action
// would be taken for OK, an unknown one for a configuration error. No text of a peer gets into a reply; the rule's text
// is the operator's, and is made printable and cut all the same.
#pragma once

#include "daemon/core/decision.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace danegate::policy {

/// Octets of a header field in PREPEND: one line of a message (RFC 5322 section 2.1.1), because the protocol cannot
/// fold.
inline constexpr std::size_t max_field = 998;

/// The reply for a verdict: DUNNO, OK, "550 5.7.1 …", the deferral code of the reason, or HOLD. `ref` is what the
/// refused peer can quote; the cause itself is not told (RFC 3463 section 3.8).
std::string verdict_reply(const core::Outcome& outcome, std::string_view ref);

/// Nothing to say: Postfix goes on with its next restriction.
std::string dunno_reply();

/// DUNNO that adds a header field, "Name: value". Only for DATA: Postfix refuses it at END-OF-MESSAGE, and at RCPT it
/// would stand once for each recipient. A field that is not one printable line within max_field is left out (DUNNO).
std::string prepend_reply(std::string_view field);

} // namespace danegate::policy
