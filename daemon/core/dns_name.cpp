#include "daemon/core/dns_name.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace danegate::core {

namespace {

constexpr char fold(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Of each octet as it stands in a name; 0: it may not.
constexpr auto octets_of_names = [] {
  std::array<char, 256> octets{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."))
    octets[static_cast<unsigned char>(c)] = fold(c);
  return octets;
}();

bool is_ascii(std::string_view text) noexcept {
  std::uint64_t seen = 0;
  for (; text.size() >= sizeof seen; text.remove_prefix(sizeof seen)) {
    std::uint64_t octets = 0;
    std::memcpy(&octets, text.data(), sizeof octets);
    seen |= octets;
  }
  for (const char c : text)
    seen |= static_cast<unsigned char>(c);
  return (seen & 0x8080'8080'8080'8080U) == 0;
}

/// Writes the canonical form of as many octets to `out`.
std::optional<NameError> copy_labels(std::string_view text, char* out) noexcept {
  std::size_t length = 0;
  for (const char c : text) {
    const char canonical = octets_of_names[static_cast<unsigned char>(c)];
    if (canonical == 0) return NameError::bad_character;
    if (canonical == '.') {
      if (length == 0) return NameError::empty_label;
      length = 0;
    } else if (++length > DnsName::max_label) {
      return NameError::label_too_long;
    }
    *out++ = canonical;
  }
  if (length == 0) return NameError::empty_label;
  return std::nullopt;
}

} // namespace

std::string_view describe(NameError error) noexcept {
  switch (error) {
  case NameError::empty: return "empty name";
  case NameError::too_long: return "name longer than 253 octets";
  case NameError::empty_label: return "empty label";
  case NameError::label_too_long: return "label longer than 63 octets";
  case NameError::bad_character: return "character other than letters, digits, hyphen and underscore";
  case NameError::no_a_label: return "non-ASCII name without an A-label form";
  }
  return "bad name";
}

std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), fold);
  return lower;
}

bool ascii_iequals(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return fold(x) == fold(y); });
}

std::expected<DnsName, NameError> DnsName::parse(std::string_view text, ToAscii to_ascii) {
  // Four octets of UTF-8 a character at the most; whatever is longer cannot become a legal name.
  if (text.size() > 4 * (max_length + 1)) return std::unexpected(NameError::too_long);
  std::optional<std::string> converted;
  if (!is_ascii(text)) {
    converted = to_ascii ? to_ascii(text) : std::nullopt;
    if (!converted) return std::unexpected(NameError::no_a_label);
    text = *converted;
  }
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty()) return std::unexpected(NameError::empty);
  if (text.size() > max_length) return std::unexpected(NameError::too_long);
  std::string canonical(text.size(), '\0');
  if (const auto error = copy_labels(text, canonical.data())) return std::unexpected(*error);
  return DnsName(std::move(canonical));
}

std::size_t DnsName::label_count() const noexcept {
  return static_cast<std::size_t>(std::ranges::count(text_, '.')) + 1;
}

std::string_view DnsName::first_label() const noexcept {
  return std::string_view(text_).substr(0, text_.find('.'));
}

bool DnsName::is_below(const DnsName& ancestor) const noexcept {
  const auto& suffix = ancestor.text_;
  return text_.size() > suffix.size() && text_.ends_with(suffix) && text_[text_.size() - suffix.size() - 1] == '.';
}

bool DnsName::is_within(const DnsName& ancestor) const noexcept {
  return *this == ancestor || is_below(ancestor);
}

bool DnsName::has_label(std::string_view label) const noexcept {
  std::string_view rest = text_;
  while (true) {
    const auto dot = rest.find('.');
    if (rest.substr(0, dot) == label) return true;
    if (dot == std::string_view::npos) return false;
    rest.remove_prefix(dot + 1);
  }
}

std::optional<DnsName> DnsName::parent() const {
  const auto dot = text_.find('.');
  if (dot == std::string::npos) return std::nullopt;
  return DnsName(text_.substr(dot + 1));
}

} // namespace danegate::core
