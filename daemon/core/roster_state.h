// What a roster knew, as octets that survive a restart. A pure codec: whoever reads files and clocks is elsewhere.
//
//   "danegate roster\n", version (4 octets), key of the resolver's settings (32), then for each answer: length of the
//   owner name (2) and the name, kind (1), written (8, milliseconds since 1970), life (4, milliseconds), TTL (4), end
//   of the signatures (4, seconds; 0: none), length (2) and records (compact_answer.h); then 0 (2), the time at which
//   it was finished (8, milliseconds since 1970), the number of answers (8), and a checksum over all before it (8,
//   FNV-1a). Integers are big-endian.
//
// A file that was finished in the future shows that the clock was set back since: its answers would last too long by as
// much, so none is taken. A clock set back by less than the time since then goes unnoticed, and lengthens an answer's
// life by no more than that time.
//
// The checksum finds damage, not malice: the file is as trustworthy as the folder that it lies in. Nothing is taken
// from a file before all of it was looked at.
#pragma once

#include "daemon/core/resolver_settings.h"
#include "daemon/core/roster.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <string_view>

namespace danegate::core {

inline constexpr std::uint32_t roster_state_version = 2;

/// Changes with everything that decides whom the resolver believes. Empty if the library fails.
Bytes resolver_key(const ResolverSettings& settings, HashFunction hash);

class RosterStateEncoder {
public:
  explicit RosterStateEncoder(ByteView key);

  void add(const DnsName& owner, const RosterRecord& record);
  /// `finished`: now.
  void end(TimePoint finished);

  /// What was encoded since the last call.
  Bytes take();

  std::size_t pending() const noexcept { return out_.size(); }

private:
  void put(std::uint64_t value, unsigned octets);
  void put(std::string_view text);
  void put_octet(std::uint8_t octet);

  Bytes out_;
  std::uint64_t count_ = 0;
  std::uint64_t checksum_;
};

enum class StateError : std::uint8_t { not_one, newer, older, damaged, other_resolver, clock_set_back };

std::string_view describe(StateError error) noexcept;

using StateVisitor = std::function<void(const DnsName&, const RosterRecord&)>;

/// Nothing is wrong with the file, but its answers do not count here and now.
constexpr bool is_outdated(StateError error) noexcept {
  return error == StateError::older || error == StateError::other_resolver || error == StateError::clock_set_back;
}

/// How many answers were visited. `key` and `now`: what the file is to go with.
std::expected<std::size_t, StateError> decode_roster_state(ByteView file, ByteView key, TimePoint now,
                                                           const StateVisitor& visit);

} // namespace danegate::core
