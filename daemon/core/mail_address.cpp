#include "daemon/core/mail_address.h"

namespace danegate::core {

namespace {

std::optional<DnsName> parse_domain(std::string_view text, ToAscii to_ascii) {
  while (text.ends_with('.'))
    text.remove_suffix(1);
  auto name = DnsName::parse(text, to_ascii);
  if (!name) return std::nullopt;
  return std::move(*name);
}

} // namespace

MailAddress MailAddress::parse(std::string_view text, const std::optional<DnsName>& origin, ToAscii to_ascii) {
  if (text.empty() || text == "<>") return {};
  // A dangling "@" names no domain: what stands before it is read as if it were alone.
  while (text.ends_with('@'))
    text.remove_suffix(1);
  if (const auto at = text.rfind('@'); at != std::string_view::npos)
    return {std::string(text.substr(0, at)), parse_domain(text.substr(at + 1), to_ascii)};
  if (const auto bang = text.find('!'); bang != std::string_view::npos && bang > 0)
    return {std::string(text.substr(bang + 1)), parse_domain(text.substr(0, bang), to_ascii)};
  if (const auto percent = text.rfind('%'); percent != std::string_view::npos && percent + 1 < text.size())
    return {std::string(text.substr(0, percent)), parse_domain(text.substr(percent + 1), to_ascii)};
  return {std::string(text), origin};
}

std::string MailAddress::text() const {
  return domain ? local + '@' + domain->text() : local;
}

bool same_mailbox(const MailAddress& a, const MailAddress& b) noexcept {
  return a.domain == b.domain && ascii_iequals(a.local, b.local);
}

std::expected<AddressPattern, std::string> AddressPattern::parse(std::string_view text, bool bare_local,
                                                                 ToAscii to_ascii) {
  if (text == "<>") return AddressPattern(Kind::null_sender, {});
  if (text.contains('@')) {
    auto address = MailAddress::parse(text, std::nullopt, to_ascii);
    if (!address.domain || address.local.empty()) return std::unexpected("not an address");
    return AddressPattern(Kind::mailbox, std::move(address));
  }
  if (bare_local && !text.empty() && !text.contains('.'))
    return AddressPattern(Kind::local_part, {std::string(text), {}});
  const bool subtree = text.starts_with('.');
  auto name = DnsName::parse(subtree ? text.substr(1) : text, to_ascii);
  if (!name) return std::unexpected(std::string(describe(name.error())));
  return AddressPattern(subtree ? Kind::subtree : Kind::domain, {std::string(), std::move(*name)});
}

bool AddressPattern::matches(const MailAddress& address) const noexcept {
  switch (kind_) {
  case Kind::domain: return address.domain == address_.domain;
  case Kind::subtree: return address.domain && address.domain->is_within(*address_.domain);
  case Kind::mailbox: return same_mailbox(address, address_);
  case Kind::null_sender: return address.is_null();
  case Kind::local_part: return ascii_iequals(address.local, address_.local);
  }
  return false;
}

} // namespace danegate::core
