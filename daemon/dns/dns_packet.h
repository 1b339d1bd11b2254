// Reads a DNS message into records that the fold (unbound_answer.h) can walk.
//
// The message is one that libunbound has validated and encoded again, so it should be flawless; it is still read as if
// a stranger had sent it. libresolv does the decoding (ns_initparse and its fellows check every length). A message
// holds at most max_packet octets, which bounds the records too (eleven octets each, at least). Pure.
#pragma once

#include "daemon/core/ports.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::dns {

inline constexpr std::size_t max_packet = 65535; ///< what DNS over TCP can carry

/// Record types that the fold looks at (IANA numbers).
namespace rrtype {
inline constexpr std::uint16_t cname = 5, soa = 6, dname = 39, ds = 43, rrsig = 46, dnskey = 48, nsec3 = 50, tlsa = 52;
} // namespace rrtype

/// A domain name as it travels, in lower case: labels with their length octets, and the root's zero at the end. Unlike
/// core::DnsName it can be any name at all: the target of a CNAME may hold every octet.
class WireName {
public:
  WireName() = default; ///< no name; equal to none that was parsed

  /// From text with libresolv's escapes; nullopt if it is no domain name.
  static std::optional<WireName> from_text(const char* text);
  /// From a possibly compressed name at `at` inside the message [`begin`, `end`).
  static std::optional<WireName> from_message(const std::uint8_t* begin, const std::uint8_t* end,
                                              const std::uint8_t* at);

  /// Strictly below `ancestor`, on label boundaries.
  bool is_below(const WireName& ancestor) const noexcept;
  /// This name with its suffix `from` replaced by `to` (what a DNAME does, RFC 6672 section 2.3); nullopt if it is not
  /// below `from` or the new name is over 255 octets.
  std::optional<WireName> with_suffix(const WireName& from, const WireName& to) const;
  /// Labels with dots between them, "" for the root. Octets other than letters, digits, "-", "_" and "*" become "?", so
  /// that dots separate labels and nothing else.
  std::string text() const;

  friend bool operator==(const WireName&, const WireName&) = default;

private:
  static std::optional<WireName> from_octets(const std::uint8_t* octets, std::size_t size);

  std::string octets_;
};

struct Record {
  WireName owner;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0; ///< 0 where the wire had its highest bit set (RFC 2181 section 8)
  core::ByteView rdata;  ///< points into the message
  WireName target;       ///< of CNAME and DNAME
};

/// Fields of an RRSIG; nullopt if it is too short to have them (RFC 4034 section 3.1).
struct SignatureFields {
  std::uint16_t covers;
  std::uint8_t labels;
  std::uint32_t original_ttl; ///< as the zone has it (RFC 4034 section 3.1.4)
  std::uint32_t expiration;   ///< seconds since 1970; good until 2106 (section 3.1.5)
};

std::optional<SignatureFields> signature_fields(const Record& record) noexcept;

/// min(TTL, MINIMUM) of an SOA record: how long its zone's denials hold (RFC 2308 section 5). 0 if it is too short.
std::uint32_t denial_ttl(const Record& soa) noexcept;

/// Views into the octets given to parse(), which must stay.
struct Packet {
  unsigned rcode = 0;
  WireName question;
  std::uint16_t question_type = 0;
  std::vector<Record> answer;    ///< class IN only
  std::vector<Record> authority; ///< class IN only

  /// nullopt: not a whole, untruncated reply to exactly one question.
  static std::optional<Packet> parse(core::ByteView octets);
};

} // namespace danegate::dns
