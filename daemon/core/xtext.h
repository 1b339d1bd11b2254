// xtext (RFC 3461 section 4): how Postfix and Sendmail send the names of a certificate, "+XX" for "+" and for every
// octet below 33 or above 126.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace danegate::core {

/// The octets behind `text`, whatever they are: NUL, control characters and UTF-8 come out as they went in. nullopt if
/// it is not xtext: a "+" without two hexadecimal digits of either letter case, or an octet that may not stand bare.
/// "=", which RFC 3461 wants encoded, is let through, because Postfix sends it bare.
std::optional<std::string> decode_xtext(std::string_view text);

} // namespace danegate::core
