// Owner-name templates: which TLSA owner names the claims of one session make.
//
// `_smtp-client.{helo}` is a template; with helo = mta1.partner.example it makes `_smtp-client.mta1.partner.example`,
// whose identity is `mta1.partner.example`. Labels are the operator's choice: no document registers one
// (draft-ietf-dance-client-auth-13 section 3.1 uses `_smtp-client` as an example).
#pragma once

#include "daemon/core/claims.h"
#include "daemon/core/identity.h"

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace danegate::core {

struct OwnerName {
  DnsName owner;
  Identity identity;
};

enum class Field : std::uint8_t { helo, subject, client, sender_domain, sender_local, sender_hash, sasl };

class OwnerTemplate {
public:
  /// The error says what is wrong, for the operator. At least one field; fields fill whole labels.
  static std::expected<OwnerTemplate, std::string> parse(std::string_view text);

  /// The owner name for these claims, or why there is none (static text, for `danegate explain`). `keep_case` leaves
  /// the local part as sent before it is hashed (`case = "keep"`); otherwise ASCII letters are folded.
  ///
  /// A field yields no name if it is empty, `unknown`, a single label (host names and domains), an address literal, too
  /// long, without an A-label form, carries `_tcp`, `_udp`, `_sctp` or `_<number>` (keys published for other purposes),
  /// or another underscore label, unless that is `_device` below which the device stands or the template has no
  /// service label.
  std::expected<OwnerName, std::string_view> expand(const Claims& claims, bool keep_case, const Ports& ports) const;

  /// The owner name under which a client of this identity is looked up: a domain identity in place of {helo},
  /// {subject} or {client}, an address through a template of the sender's domain and local part or hash. nullopt: this
  /// template cannot make this identity out of nothing but itself.
  std::optional<OwnerName> name_for(const Identity& identity, bool keep_case, const Ports& ports) const;

  /// Templates of one shape make the same name of every identity; empty: of none.
  std::string shape(bool keep_case) const;

  const std::string& text() const noexcept { return text_; }

  bool uses(Field field) const noexcept;

private:
  using Part = std::variant<std::string, Field>; ///< literal labels without outer dots, or a field

  OwnerTemplate() = default;

  /// All fields are the sender's, and make an address.
  bool makes_addresses() const noexcept;
  /// The only field, if it is one of a host's names; null otherwise.
  const Part* host_part() const noexcept;
  std::optional<OwnerName> name_for_domain(const DnsName& domain, const Ports& ports) const;

  std::string text_;
  std::vector<Part> parts_;
  bool service_label_ = false; ///< some literal label starts with an underscore
};

/// SHA-256 of the local part, cut to 28 octets, hex (RFC 7929 section 3).
std::string hash_local_part(std::string_view local, bool keep_case, HashFunction hash);

} // namespace danegate::core
