// A-labels by libidn2: the core's ToAscii.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace danegate::dns {

/// Octets of UTF-8 that are converted at most: 253 characters of four octets each, more than any name can need.
inline constexpr std::size_t max_u_labels = 1012;

/// IDNA 2008 with the mapping and the non-transitional processing of UTS 46, as browsers do it (RFC 5891, RFC 5895).
/// nullopt if the text is empty, too long, holds a NUL, is no UTF-8 or has no A-label form.
std::optional<std::string> to_ascii(std::string_view utf8);

} // namespace danegate::dns
