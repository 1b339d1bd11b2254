// The grammar of a header From: RFC 5322's mailbox-list and address-list with their obsolete forms (section 4.4), UTF-8
// in atoms (RFC 6532), and Sendmail-style bare local parts.
//
// A list of elements, some of which may be empty: addr-specs; phrases with an angle-addr, which may begin with a route;
// groups of these, which do not nest. Comments and folding stand anywhere between atoms and dots, inside domains too.
// Display names, names of groups and comments are passed over: nobody is judged by them. Let pass beyond the RFC: dots
// anywhere in a local part, as some providers hand them out, and one behind a domain.
//
// The value is read as a whole or not at all. No recursion, linear time; the caller bounds the length.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::milter {

struct AddrSpec {
  std::string local;                 ///< unquoted
  std::optional<std::string> domain; ///< as sent, or a literal in brackets; absent where there is no "@"
  bool quoted = false;               ///< some of the local part was a quoted string
  bool routed = false;               ///< there was a route before it
};

/// nullopt: it cannot be parsed.
std::optional<std::vector<AddrSpec>> parse_address_list(std::string_view value);

} // namespace danegate::milter
