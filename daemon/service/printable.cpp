#include "daemon/service/printable.h"

#include <fmt/format.h>

namespace danegate::service {

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c >= ' ' && c <= '~')
      result += c;
    else
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return result;
}

} // namespace danegate::service
