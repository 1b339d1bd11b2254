// Who the client is once a record matched, and the patterns by which rules name identities.
#pragma once

#include "daemon/core/mail_address.h"

#include <expected>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace danegate::core {

/// A domain (`mta1.partner.example`), or an address where the owner name was made from both parts of a sender.
struct Identity {
  std::string local; ///< empty: the identity is a domain
  DnsName domain;

  bool is_address() const noexcept { return !local.empty(); }

  std::string text() const;
  /// Local part folded (ASCII): the form in which identities are compared and stored.
  std::string key() const;

  friend bool operator==(const Identity& a, const Identity& b) { return a.key() == b.key(); }
};

std::expected<Identity, std::string> parse_identity(std::string_view text, ToAscii to_ascii);

/// One entry of a rule's `identities`.
class IdentityPattern {
public:
  enum class Kind : std::uint8_t {
    exact,               ///< "mta1.acme.example", "alice@acme.example"
    below,               ///< "*.out.acme.example": one or more labels below
    sender,              ///< "{sender}": the address identity of the envelope sender
    sender_domain,       ///< "{sender.domain}"
    below_sender_domain, ///< "*.{sender.domain}"
  };

  static std::expected<IdentityPattern, std::string> parse(std::string_view text, ToAscii to_ascii);

  Kind kind() const noexcept { return kind_; }

  bool has_field() const noexcept { return kind_ != Kind::exact && kind_ != Kind::below; }

  /// Of exact and below.
  const std::optional<Identity>& identity() const noexcept { return identity_; }

  /// A pattern with a field matches nothing when the field is empty.
  bool matches(const Identity& identity, const MailAddress& sender) const;

private:
  IdentityPattern(Kind kind, std::optional<Identity> identity) : kind_(kind), identity_(std::move(identity)) {}

  Kind kind_;
  std::optional<Identity> identity_;
};

/// The contents of a rule's `grants`: who may send as whom.
class Grants {
public:
  void add(const Identity& identity, AddressPattern sender);
  /// True if some line for this identity has a pattern that holds for the sender.
  bool allow(const Identity& identity, const MailAddress& sender) const;

  /// True if there is a line for this identity.
  bool names(const Identity& identity) const { return patterns_.contains(identity.key()); }

  std::size_t size() const noexcept { return patterns_.size(); }

private:
  std::unordered_map<std::string, std::vector<AddressPattern>> patterns_; ///< by Identity::key()
};

} // namespace danegate::core
