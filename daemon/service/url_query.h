// The part of a URL behind its '?': "name=a%20b&flag" (RFC 3986 section 3.4, with the usual key=value pairs). Pure.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>

namespace danegate::service {

using UrlQuery = std::map<std::string, std::string, std::less<>>;

inline constexpr std::size_t max_query_pairs = 16;

/// The error says what is wrong: a broken %XX, a key twice, too many pairs. "+" is no blank here.
std::expected<UrlQuery, std::string> parse_query(std::string_view query);

/// Everything but letters, digits and "-._~" becomes %XX.
std::string percent_encoded(std::string_view text);

} // namespace danegate::service
