// Client addresses and networks. IPv4-mapped IPv6 addresses are the IPv4 address.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace danegate::core {

class IpAddress {
public:
  /// "192.0.2.1", "2001:db8::1", and the "IPv6:" prefix that Postfix and Sendmail put before it in macros.
  /// nullopt for anything else ("unknown").
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const noexcept { return v4_; }

  const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

  std::string text() const;
  /// What limits per client count by: the address, of IPv6 its /64.
  IpAddress client_key() const noexcept;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

private:
  std::array<std::uint8_t, 16> bytes_{}; ///< IPv4 in the last four, mapped
  bool v4_ = false;
};

/// A TCP or UDP port, from 1 to 65535, in decimal digits. nullopt for anything else.
std::optional<std::uint16_t> parse_port(std::string_view text);

class IpNetwork {
public:
  /// "192.0.2.0/24", "2001:db8::/32", or one address. Host bits beyond the prefix are refused: they are a typing error.
  static std::optional<IpNetwork> parse(std::string_view text);

  bool contains(const IpAddress& address) const noexcept;

private:
  IpNetwork(IpAddress base, unsigned bits) : base_(base), bits_(bits) {}

  IpAddress base_;
  unsigned bits_; ///< of the 128, mapped form
};

} // namespace danegate::core
