#include "daemon/service/url_query.h"

#include "daemon/core/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace danegate::service {

namespace {

bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").contains(c);
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = core::hex_digit(text[i + 1]);
    const auto low = core::hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    decoded += static_cast<char>(*high << 4U | *low);
    i += 2;
  }
  return decoded;
}

} // namespace

std::expected<UrlQuery, std::string> parse_query(std::string_view query) {
  UrlQuery pairs;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto key = percent_decoded(pair.substr(0, equals));
    auto value = percent_decoded(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (!key || !value) return std::unexpected("expected two hexadecimal digits after each \"%\"");
    if (pairs.size() >= max_query_pairs)
      return std::unexpected(fmt::format("more than {} parameters", max_query_pairs));
    if (!pairs.emplace(std::move(*key), std::move(*value)).second)
      return std::unexpected("a parameter stands there twice");
  }
  return pairs;
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c))
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

} // namespace danegate::service
