// Writes one Authentication-Results field (RFC 8601) for one outcome. Pure.
//
//   Authentication-Results: mx.example.net; x-dane-client=pass reason="match" policy.dane-id=mta1.acme.example
//     policy.dane-rule=acme dns.sec=yes
//
// (in one line: the policy protocol cannot fold). Every value is ours, the operator's or proven by DNSSEC; what a
// client merely claims is never written (RFC 8601 section 7.1). policy.dane-id is there only on pass and policy,
// dane-rule only where a rule decided. dns.sec (RFC 8904) says whether the answer for the name that decided was
// validated: "yes" for signed records or a proven denial, "no" for an unsigned zone, "na" where there was no answer to
// judge. policy.dane-grace=yes is added where that answer had expired and served because the zone's servers could not
// be reached (`dns.grace`).
#pragma once

#include "daemon/core/decision.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace danegate::core {

inline constexpr std::string_view auth_results_name = "Authentication-Results";
inline constexpr std::string_view auth_results_method = "x-dane-client";

/// Longest encoded form of each value. A longer authserv-id or rule name is cut; an identity that is longer, or has
/// other than printable ASCII in its local part, is left out rather than written as somebody else's.
inline constexpr std::size_t max_authserv_id = 255;
inline constexpr std::size_t max_identity = 320; ///< 64 @ 255 (RFC 5321 section 4.5.3.1)
inline constexpr std::size_t max_rule_name = 128;

/// The field's value: printable ASCII, one line, under 900 octets.
std::string auth_results_value(const Decision& decision, const Outcome& outcome, std::string_view authserv_id);

/// "Authentication-Results: VALUE", without a line end.
std::string auth_results_field(const Decision& decision, const Outcome& outcome, std::string_view authserv_id);

} // namespace danegate::core
