// A DNS name in canonical form: lower case, A-labels, no trailing dot, never the root.
//
// Names that danegate makes or reads from its configuration consist of letters, digits, hyphens and underscores
// (draft-ietf-dance-client-auth-13 section 7 advises the same), so presentation and canonical form are one string.
// Everything else is refused at the edge, by parse().
#pragma once

#include "daemon/core/ports.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace danegate::core {

enum class NameError : std::uint8_t { empty, too_long, empty_label, label_too_long, bad_character, no_a_label };

std::string_view describe(NameError error) noexcept;

class DnsName {
public:
  static constexpr std::size_t max_length = 253; ///< octets of text: 255 on the wire (RFC 1035 section 3.1)
  static constexpr std::size_t max_label = 63;

  /// Accepts one trailing dot and any letter case. Non-ASCII text is converted with `to_ascii`; without one it is
  /// refused (no_a_label).
  static std::expected<DnsName, NameError> parse(std::string_view text, ToAscii to_ascii = nullptr);

  const std::string& text() const noexcept { return text_; }

  std::size_t label_count() const noexcept;
  std::string_view first_label() const noexcept;

  /// Equal to `ancestor` or below it, on label boundaries.
  bool is_within(const DnsName& ancestor) const noexcept;
  /// Below `ancestor`, not equal to it.
  bool is_below(const DnsName& ancestor) const noexcept;
  /// True if some label equals `label` (lower case).
  bool has_label(std::string_view label) const noexcept;

  /// The name without its first label; nullopt if it has one label only.
  std::optional<DnsName> parent() const;

  friend auto operator<=>(const DnsName&, const DnsName&) = default;
  friend bool operator==(const DnsName&, const DnsName&) = default;

private:
  explicit DnsName(std::string canonical) : text_(std::move(canonical)) {}

  std::string text_;
};

/// ASCII letters folded to lower case; other octets unchanged (no locale).
std::string ascii_lower(std::string_view text);
bool ascii_iequals(std::string_view a, std::string_view b) noexcept;

} // namespace danegate::core

template <>
struct std::hash<danegate::core::DnsName> {
  std::size_t operator()(const danegate::core::DnsName& name) const noexcept {
    return std::hash<std::string>{}(name.text());
  }
};
