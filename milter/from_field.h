// Reads a header From into the addresses that `from` rules judge, or into text to be searched where it cannot be read.
//
// A value that address_list.h reads is judged by its addresses. One that it does not read names none (no partial
// guess): its text is kept instead, and a rule whose domain the text mentions holds. So that nobody hides behind a
// field that some mail reader shows and we cannot parse, several readings of the text are kept (lenient_text.h), with
// encoded words decoded (RFC 2047), too. In doubt both are given: the addresses, and the text as unreadable. Doubt is
//   - an element without "@": the local part alone, which gets the origin, or bang or percent form,
//   - a domain that is no DNS name: a literal, or without A-labels,
//   - a route, which some readers show, and an encoded word in a local part, which some readers decode,
//   - a field without any address.
// Display names are not judged: "ceo@acme.example" <x@evil.example> is from evil.example. Nor are comments and names of
// groups, where there is an address besides.
//
// Pure, no recursion, linear time. What is beyond a bound is not looked at, and mentions everything.
#pragma once

#include "daemon/core/header_from.h"
#include "daemon/core/ports.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace danegate::milter {

inline constexpr std::size_t max_from_text = 64UL * 1024;             ///< octets of one From
inline constexpr std::size_t max_from_addresses = 1000;               ///< in all From fields of one message
inline constexpr std::size_t max_unreadable_text = 4UL * 1024 * 1024; ///< octets of all readings of one message

using core::HeaderFrom;
using core::Hidden;

/// `value` is one field's, as the milter gets it.
HeaderFrom read_from(std::string_view value, const std::optional<core::DnsName>& origin, core::ToAscii to_ascii);

/// Several From fields are judged together. Beyond the bounds `into` stays as it is and mentions everything.
void add(HeaderFrom& into, HeaderFrom more);

} // namespace danegate::milter
