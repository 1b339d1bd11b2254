#include "daemon/core/identity.h"

#include <algorithm>

namespace danegate::core {

std::string Identity::text() const {
  return is_address() ? local + '@' + domain.text() : domain.text();
}

std::string Identity::key() const {
  return is_address() ? ascii_lower(local) + '@' + domain.text() : domain.text();
}

std::expected<Identity, std::string> parse_identity(std::string_view text, ToAscii to_ascii) {
  const auto at = text.rfind('@');
  if (at == 0) return std::unexpected("an address needs a local part");
  const bool address = at != std::string_view::npos;
  auto domain = DnsName::parse(address ? text.substr(at + 1) : text, to_ascii);
  if (!domain) return std::unexpected(std::string(describe(domain.error())));
  return Identity{address ? std::string(text.substr(0, at)) : std::string(), std::move(*domain)};
}

std::expected<IdentityPattern, std::string> IdentityPattern::parse(std::string_view text, ToAscii to_ascii) {
  if (text == "{sender}") return IdentityPattern(Kind::sender, std::nullopt);
  if (text == "{sender.domain}") return IdentityPattern(Kind::sender_domain, std::nullopt);
  if (text == "*.{sender.domain}") return IdentityPattern(Kind::below_sender_domain, std::nullopt);
  if (text.contains('{') || text.contains('}'))
    return std::unexpected("the fields here are {sender}, {sender.domain} and *.{sender.domain}");
  const bool below = text.starts_with("*.");
  if (below) text.remove_prefix(2);
  auto identity = parse_identity(text, to_ascii);
  if (!identity) return std::unexpected(identity.error());
  if (below && identity->is_address()) return std::unexpected("\"*.\" goes before a domain, not an address");
  return IdentityPattern(below ? Kind::below : Kind::exact, std::move(*identity));
}

bool IdentityPattern::matches(const Identity& identity, const MailAddress& sender) const {
  switch (kind_) {
  case Kind::exact: return identity == *identity_;
  case Kind::below: return !identity.is_address() && identity.domain.is_below(identity_->domain);
  case Kind::sender:
    return identity.is_address() && sender.domain && same_mailbox({identity.local, identity.domain}, sender);
  case Kind::sender_domain: return !identity.is_address() && sender.domain && identity.domain == *sender.domain;
  case Kind::below_sender_domain:
    return !identity.is_address() && sender.domain && identity.domain.is_below(*sender.domain);
  }
  return false;
}

void Grants::add(const Identity& identity, AddressPattern sender) {
  patterns_[identity.key()].push_back(std::move(sender));
}

bool Grants::allow(const Identity& identity, const MailAddress& sender) const {
  const auto found = patterns_.find(identity.key());
  return found != patterns_.end() &&
         std::ranges::any_of(found->second, [&](const AddressPattern& pattern) { return pattern.matches(sender); });
}

} // namespace danegate::core
