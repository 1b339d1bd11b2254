#include "daemon/core/ip_address.h"

#include "daemon/core/dns_name.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <span>

namespace danegate::core {

namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::string_view postfix_prefix = "IPv6:";
constexpr std::size_t max_text = INET6_ADDRSTRLEN;
constexpr std::string_view characters = "0123456789abcdefABCDEF.:"; ///< of an address; most names have others

} // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() > postfix_prefix.size() && ascii_iequals(text.substr(0, postfix_prefix.size()), postfix_prefix))
    text.remove_prefix(postfix_prefix.size());
  if (text.empty() || text.size() >= max_text || text.find_first_not_of(characters) != std::string_view::npos)
    return std::nullopt;
  const std::string terminated(text);
  IpAddress address;
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) {
    std::ranges::copy(mapped_prefix, address.bytes_.begin());
    std::ranges::copy(v4, address.bytes_.begin() + mapped_prefix.size());
  } else if (inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) != 1) {
    return std::nullopt;
  }
  address.v4_ = std::ranges::equal(mapped_prefix, std::span(address.bytes_).first<mapped_prefix.size()>());
  return address;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const void* source = v4_ ? bytes_.data() + mapped_prefix.size() : bytes_.data();
  const char* written = inet_ntop(v4_ ? AF_INET : AF_INET6, source, buffer.data(), buffer.size());
  return written ? std::string(written) : std::string();
}

IpAddress IpAddress::client_key() const noexcept {
  IpAddress key = *this;
  if (!v4_) std::fill(key.bytes_.begin() + 8, key.bytes_.end(), std::uint8_t{0});
  return key;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || stop != end || port == 0) return std::nullopt;
  return port;
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  const unsigned width = base->is_v4() ? 32 : 128;
  unsigned prefix = width;
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    const auto* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, prefix);
    if (error != std::errc{} || stop != end || prefix > width) return std::nullopt;
  }
  const IpNetwork network(*base, prefix + (128 - width));
  for (unsigned bit = network.bits_; bit < 128; ++bit)
    if ((base->bytes()[bit / 8] & (0x80U >> (bit % 8))) != 0) return std::nullopt;
  return network;
}

bool IpNetwork::contains(const IpAddress& address) const noexcept {
  if (address.is_v4() != base_.is_v4()) return false;
  const auto whole = bits_ / 8;
  if (!std::equal(base_.bytes().begin(), base_.bytes().begin() + whole, address.bytes().begin())) return false;
  const auto rest = bits_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
  return (base_.bytes()[whole] & mask) == (address.bytes()[whole] & mask);
}

} // namespace danegate::core
