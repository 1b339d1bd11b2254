// Whether octets are UTF-8 (RFC 3629).
#pragma once

#include <string_view>

namespace danegate::milter {

/// Over-long forms, surrogates and code points above U+10FFFF are not.
bool is_utf8(std::string_view text) noexcept;

} // namespace danegate::milter
