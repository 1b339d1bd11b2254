// Any text as a fingerprint.
#include "daemon/core/digest.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"

using namespace danegate::core;
using danegate::test::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = danegate::test::text_of(data, size);
  const auto digest = Digest::parse(text);
  const auto digits = static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return std::string_view("0123456789abcdefABCDEF").contains(c); }));
  if (!digest) {
    const bool bare = digits == size && (size == 32 || size == 40 || size == 64 || size == 96 || size == 128);
    return require(!bare, "digits of a known number are a fingerprint"), 0;
  }
  require(2 * digest->bytes().size() == digits, "two digits an octet");
  require(digits == size || size == digits + digits / 2 - 1, "and a colon between all of them or none");
  const std::string hex = to_hex(digest->bytes());
  std::string colons;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    colons.append(i == 0 ? "" : ":").append(hex, i, 2);
  for (const auto& same : {hex, colons, danegate::test::shouted(hex), danegate::test::shouted(colons)})
    require(Digest::parse(same) == *digest, "however it is written");
  for (const auto& other : {hex + "0", "00" + hex, hex + ":", hex + "0g", colons + ":"})
    require(Digest::parse(other) != *digest, "and nothing else is it");
  require(digest->weak() == (hex.size() <= 40), "MD5 and SHA-1 are weak");
  return 0;
}
