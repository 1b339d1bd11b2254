// Envelope addresses, normalised as the mail server will rewrite them after us.
#pragma once

#include "daemon/core/dns_name.h"

#include <optional>
#include <string>
#include <string_view>

namespace danegate::core {

/// An envelope sender or recipient. Exactly one of: the null sender (empty, "<>"), or a local part with a domain, or a
/// local part without a usable one.
struct MailAddress {
  std::string local;             ///< as sent, quoting already removed by the mail server; may be UTF-8
  std::optional<DnsName> domain; ///< absent: none given and no origin, or an address literal or another non-name

  /// The domain is what follows the last "@", trailing dots off, lower case, A-labels. Without an "@" the bang form
  /// (`host!user`) and then the percent form (`user%host`) are applied; no domain at all means `origin`.
  static MailAddress parse(std::string_view text, const std::optional<DnsName>& origin, ToAscii to_ascii);

  bool is_null() const noexcept { return local.empty() && !domain; }

  /// "local@domain", only the local part where there is no domain, "" for the null sender.
  std::string text() const;
};

/// Local parts compare without ASCII letter case: `Alice@` and `alice@` are one.
bool same_mailbox(const MailAddress& a, const MailAddress& b) noexcept;

/// A pattern of `senders`, `recipients` or `from`.
class AddressPattern {
public:
  /// "acme.example" (that domain), ".acme.example" (it and below), "ceo@acme.example", "<>" (the null sender), and
  /// with `bare_local` "postmaster" (that mailbox at any domain, or without one).
  static std::expected<AddressPattern, std::string> parse(std::string_view text, bool bare_local, ToAscii to_ascii);

  bool matches(const MailAddress& address) const noexcept;

  enum class Kind : std::uint8_t { domain, subtree, mailbox, null_sender, local_part };

  Kind kind() const noexcept { return kind_; }

  /// Absent for null_sender and local_part.
  const std::optional<DnsName>& domain() const noexcept { return address_.domain; }

  const MailAddress& address() const noexcept { return address_; }

private:
  AddressPattern(Kind kind, MailAddress address) : kind_(kind), address_(std::move(address)) {}

  Kind kind_;
  MailAddress address_;
};

} // namespace danegate::core
