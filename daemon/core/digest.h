// A fingerprint as mail servers send it: an algorithm, inferred from its length, and the octets.
#pragma once

#include "daemon/core/ports.h"

#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace danegate::core {

enum class DigestError : std::uint8_t { not_hex, bad_length };

std::string_view describe(DigestError error) noexcept;
std::string_view name_of(DigestAlgorithm algorithm) noexcept;

/// Of either letter case.
constexpr std::optional<std::uint8_t> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

/// Lower-case hexadecimal, no separators.
std::string to_hex(ByteView bytes);

class Digest {
public:
  static constexpr std::size_t max_text = 3 * 64; ///< a colon after each of 64 octets

  /// Hex pairs of either case, with colons between all pairs (Postfix, Sendmail) or none (Exim). No MTA names the
  /// algorithm, so the length decides: 16 MD5, 20 SHA-1, 32 SHA-256, 48 SHA-384, 64 SHA-512 octets.
  static std::expected<Digest, DigestError> parse(std::string_view text);

  DigestAlgorithm algorithm() const noexcept { return algorithm_; }

  const Bytes& bytes() const noexcept { return bytes_; }

  /// MD5 or SHA-1: no TLSA matching type exists for them, and neither proves a credential.
  bool weak() const noexcept { return algorithm_ == DigestAlgorithm::md5 || algorithm_ == DigestAlgorithm::sha1; }

  /// A value that says nothing about a credential: the digest of the empty string, of Exim's literal
  /// "tls_in_peercert" (it hashes the variable's name when no
  /// certificate came), or all zero.
  bool is_known_constant() const noexcept;

  friend bool operator==(const Digest&, const Digest&) = default;

private:
  Digest(DigestAlgorithm algorithm, Bytes bytes) : algorithm_(algorithm), bytes_(std::move(bytes)) {}

  DigestAlgorithm algorithm_;
  Bytes bytes_;
};

} // namespace danegate::core
