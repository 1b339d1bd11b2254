// Text of peers and zones for a terminal or a reply. Pure.
#pragma once

#include <string>
#include <string_view>

namespace danegate::service {

/// What is not printable ASCII stands as \xNN, so no escape sequence gets through.
std::string printable(std::string_view text);

} // namespace danegate::service
