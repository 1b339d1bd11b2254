#include "daemon/core/header_from.h"

#include <algorithm>
#include <string_view>

namespace danegate::core {

bool HeaderFrom::mentions(const DnsName& domain) const noexcept {
  const std::string_view name = domain.text();
  switch (hidden) {
  case Hidden::anything: return true;
  case Hidden::a_labels:
    if (name.starts_with("xn--") || name.contains(".xn--")) return true;
    break;
  case Hidden::nothing: break;
  }
  return std::ranges::any_of(unreadable, [&](const std::string& text) { return text.contains(name); });
}

} // namespace danegate::core
