#include "milter/utf8.h"

#include <cstddef>
#include <cstdint>

namespace danegate::milter {
namespace {

/// What follows a first octet (RFC 3629 section 4): how many octets, and the range of the first of them, which is
/// what keeps out over-long forms, surrogates and what lies beyond the last plane.
struct Tail {
  std::size_t length;
  std::uint8_t low;
  std::uint8_t high;
};

constexpr Tail none{0, 1, 0};

Tail tail_of(std::uint8_t first) noexcept {
  if (first < 0xc2) return none;
  if (first < 0xe0) return {1, 0x80, 0xbf};
  if (first == 0xe0) return {2, 0xa0, 0xbf};
  if (first == 0xed) return {2, 0x80, 0x9f};
  if (first < 0xf0) return {2, 0x80, 0xbf};
  if (first == 0xf0) return {3, 0x90, 0xbf};
  if (first < 0xf4) return {3, 0x80, 0xbf};
  if (first == 0xf4) return {3, 0x80, 0x8f};
  return none;
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
  const auto octet = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (octet(i) < 0x80) continue;
    const Tail tail = tail_of(octet(i));
    if (tail.length == 0 || text.size() - i <= tail.length) return false;
    if (octet(i + 1) < tail.low || octet(i + 1) > tail.high) return false;
    for (std::size_t k = 2; k <= tail.length; ++k)
      if ((octet(i + k) & 0xc0) != 0x80) return false;
    i += tail.length;
  }
  return true;
}

} // namespace danegate::milter
