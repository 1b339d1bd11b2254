#include "daemon/dns/idna.h"

#include <idn2.h>

#include <memory>

namespace danegate::dns {

namespace {

struct Free {
  void operator()(std::uint8_t* text) const noexcept { idn2_free(text); }
};

} // namespace

std::optional<std::string> to_ascii(std::string_view utf8) {
  if (utf8.empty() || utf8.size() > max_u_labels || utf8.contains('\0')) return std::nullopt;
  const std::string terminated(utf8);
  std::uint8_t* converted = nullptr;
  const int error = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(terminated.c_str()), &converted,
                                   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<std::uint8_t, Free> owned(converted);
  if (error != IDN2_OK || !owned) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(owned.get()));
}

} // namespace danegate::dns
