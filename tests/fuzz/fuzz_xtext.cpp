// Any octets as xtext, and any octets through an encoder of RFC 3461 section 4.
#include "daemon/core/xtext.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"

using danegate::core::decode_xtext;
using danegate::test::require;

namespace {

std::string encoded(std::string_view octets) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet > ' ' && octet < 0x7f && c != '+' && c != '=')
      text += c;
    else
      text.append(1, '+').append(1, digits[octet >> 4U]).append(1, digits[octet & 15U]);
  }
  return text;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = danegate::test::text_of(data, size);
  require(decode_xtext(encoded(text)) == text, "what was encoded is decoded");
  const auto decoded = decode_xtext(text);
  const std::size_t half = text.size() / 2;
  const auto front = decode_xtext(text.substr(0, half));
  const auto back = decode_xtext(text.substr(half));
  if (front && back) require(decoded == *front + *back, "octet after octet");
  if (!decoded) return 0;
  require(danegate::test::is_printable(text) && !text.contains(' '), "xtext is printable");
  const auto escapes = static_cast<std::size_t>(std::ranges::count(text, '+'));
  require(decoded->size() + 2 * escapes == text.size(), "three octets for each that is escaped");
  require(decode_xtext(encoded(*decoded)) == *decoded, "and there is one meaning");
  return 0;
}
