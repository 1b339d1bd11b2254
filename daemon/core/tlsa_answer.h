// The DNS outcome of one TLSA lookup: exactly one of five, never a bool, never collapsed.
//
// The dns layer makes it from a validated packet; the cache keeps it; the flow reads it. Immutable once made, shared by
// pointer.
#pragma once

#include "daemon/core/tlsa_record.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace danegate::core {

/// How much wildcard expansion went into an answer, over every link of it (RFC 4035 section 5.3.4: the RRSIG's label
/// count is smaller than the owner's).
enum class Wildcard : std::uint8_t {
  none,
  below_underscore, ///< every expanded wildcard stands directly below an underscore label: `*._device.example.com`
  other,            ///< at least one does not: a web-style wildcard, which must not hand out mail identities
};

/// Where the wildcard of one signed link stands. `owner` is in presentation form without trailing dot; `rrsig_labels`
/// is the Labels field of the RRSIG that covers it (RFC 4034 section 3.1.3). A leading "*" label does not count there.
Wildcard classify_wildcard(std::string_view owner, std::size_t rrsig_labels) noexcept;

struct Secure {
  std::vector<TlsaRecord> records;
  std::size_t malformed = 0; ///< records too short to be read at all
  Wildcard wildcard = Wildcard::none;
};

/// Denial proven.
struct Absent {};

/// Proven to be outside the signed tree, or a link of the alias chain is.
struct Insecure {};

struct Bogus {
  std::string why;
};

enum class FailureKind : std::uint8_t { timeout, server_failure, overload };

struct Failed {
  FailureKind kind;
  std::string why;
};

using TlsaOutcome = std::variant<Secure, Absent, Insecure, Bogus, Failed>;

struct TlsaAnswer {
  TlsaOutcome outcome;
  /// As DNS said it, before clamping: of a denial min(SOA TTL, SOA minimum), RFC 2308 section 5. Meaningless for bogus
  /// and failed.
  std::chrono::seconds ttl{0};
  /// Not shown to be new: the resolver may have had it in its own cache, so a refusal may not rest on it unasked.
  bool aged = false;
  /// The earliest expiration among the signatures over every link of a secure answer: nothing of it may serve from then
  /// on (RFC 4034 section 3.1.5). Absent: no signatures were seen.
  std::optional<std::chrono::sys_seconds> signatures_end{};
};

using AnswerPtr = std::shared_ptr<const TlsaAnswer>;

/// Secure, absent or insecure: DNS said how things are. Bogus and failed say that it could not tell.
bool is_definite(const TlsaAnswer& answer) noexcept;

/// The zone's servers could not be reached, or not usefully: what `dns.grace` is for. Neither bogus nor overload.
bool is_unreachable(const TlsaAnswer& answer) noexcept;

/// It was not asked for: says nothing about the name.
bool is_overload(const TlsaAnswer& answer) noexcept;

/// What a bogus or failed answer says about its cause; empty otherwise.
std::string_view why(const TlsaAnswer& answer) noexcept;

/// Log word: secure, absent, insecure, bogus or failed.
std::string_view state_of(const TlsaAnswer& answer) noexcept;

} // namespace danegate::core
