#include "daemon/core/digest.h"

#include <algorithm>
#include <array>
#include <span>

namespace danegate::core {

namespace {

std::optional<DigestAlgorithm> algorithm_of_length(std::size_t octets) noexcept {
  switch (octets) {
  case 16: return DigestAlgorithm::md5;
  case 20: return DigestAlgorithm::sha1;
  case 32: return DigestAlgorithm::sha256;
  case 48: return DigestAlgorithm::sha384;
  case 64: return DigestAlgorithm::sha512;
  default: return std::nullopt;
  }
}

/// Of each octet as a digit; more than 15: it is none.
constexpr auto hex_values = [] {
  std::array<std::uint8_t, 256> values{};
  for (unsigned octet = 0; octet < values.size(); ++octet)
    values[octet] = hex_digit(static_cast<char>(octet)).value_or(std::uint8_t{0xff});
  return values;
}();

/// Into all of `octets`, for which `text` is just long enough. False: one of the digits is none, or something else than
/// a colon stands between two pairs.
template <bool Colons>
bool read_pairs(std::string_view text, std::span<std::uint8_t> octets) noexcept {
  constexpr std::size_t step = Colons ? 3 : 2;
  unsigned digits = 0; // all of them; one that is none leaves its mark
  bool colons = true;
  const char* pair = text.data();
  for (std::uint8_t& octet : octets) {
    const std::uint8_t high = hex_values[static_cast<unsigned char>(pair[0])];
    const std::uint8_t low = hex_values[static_cast<unsigned char>(pair[1])];
    digits |= static_cast<unsigned>(high) | low;
    octet = static_cast<std::uint8_t>(high << 4U | (low & 0x0fU));
    if (Colons && &octet != &octets.back()) colons &= pair[2] == ':';
    pair += step;
  }
  return digits <= 0x0f && colons;
}

// printf '' | openssl dgst, printf tls_in_peercert | openssl dgst, for each algorithm that is not weak anyway.
constexpr std::array<std::string_view, 6> known_constants{
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    "5ac531111cf1f39655189204360a8a214e0bd1f8f2a7b8a1bb6d29b627cb4e6c",
    "27f4ecdacacabf1122d7f4e1c14ce3147b428fe4ed069888697f794aeda7efd365222affc2549196093082c85995bb2a",
    "45d2d27eebd0375b5a7dd9644b9a86cfdb11a0a3955eade7dc0ca6aa465ca6c1"
    "dafb3ff45e0a04fa6987cf5271387e60cf5dc479c0359f5449de766eb344bb6a",
};

} // namespace

std::string_view describe(DigestError error) noexcept {
  switch (error) {
  case DigestError::not_hex: return "not a fingerprint in hexadecimal";
  case DigestError::bad_length: return "length is not that of MD5, SHA-1, SHA-256, SHA-384 or SHA-512";
  }
  return "bad fingerprint";
}

std::string_view name_of(DigestAlgorithm algorithm) noexcept {
  switch (algorithm) {
  case DigestAlgorithm::md5: return "MD5";
  case DigestAlgorithm::sha1: return "SHA-1";
  case DigestAlgorithm::sha256: return "SHA-256";
  case DigestAlgorithm::sha384: return "SHA-384";
  case DigestAlgorithm::sha512: return "SHA-512";
  }
  return "unknown";
}

std::string to_hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const auto byte : bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 0x0f]);
  }
  return text;
}

std::expected<Digest, DigestError> Digest::parse(std::string_view text) {
  if (text.size() > max_text) return std::unexpected(DigestError::bad_length);
  const bool colons = text.size() > 2 && text[2] == ':';
  const std::size_t step = colons ? 3 : 2;
  if (text.empty() || (text.size() + (colons ? 1 : 0)) % step != 0) return std::unexpected(DigestError::not_hex);
  Bytes bytes((text.size() + (colons ? 1 : 0)) / step);
  if (!(colons ? read_pairs<true>(text, bytes) : read_pairs<false>(text, bytes)))
    return std::unexpected(DigestError::not_hex);
  const auto algorithm = algorithm_of_length(bytes.size());
  if (!algorithm) return std::unexpected(DigestError::bad_length);
  return Digest(*algorithm, std::move(bytes));
}

bool Digest::is_known_constant() const noexcept {
  if (std::ranges::all_of(bytes_, [](std::uint8_t byte) { return byte == 0; })) return true;
  return std::ranges::any_of(known_constants, [this](std::string_view hex) {
    if (hex.size() != 2 * bytes_.size()) return false;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      const auto high = hex_digit(hex[2 * i]);
      const auto low = hex_digit(hex[2 * i + 1]);
      if (!high || !low || bytes_[i] != (*high << 4 | *low)) return false;
    }
    return true;
  });
}

} // namespace danegate::core
