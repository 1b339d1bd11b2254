// Identities named in full, millions if need be: the contents of a rule's `identity-files`.
//
// Every text stands once, in one block of memory with its length before it; a table of positions finds them (open
// addressing, linear probing). For a million identities of 30 octets that is some 40 MiB, where a node container takes
// 130. Filled while the configuration is loaded, then immutable and shared between threads.
#pragma once

#include "daemon/core/identity.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::core {

class IdentitySet {
public:
  using Place = std::uint32_t; ///< of one identity; valid as long as the set

  static constexpr std::size_t max_text = 65535;                   ///< octets of one identity
  static constexpr std::size_t max_octets = std::size_t{4} << 30U; ///< of all of them, lengths included

  /// Makes room for so much text. A guess that is too large costs address space, not memory.
  void reserve(std::size_t octets) { texts_.reserve(octets); }

  /// False if there is no room left (max_text, max_octets). An identity that is there already is left as it is; local
  /// parts are compared without ASCII letter case and kept as written.
  bool add(const Identity& identity);

  bool contains(const Identity& identity) const;

  std::size_t size() const noexcept { return count_; }

  /// Of all texts, with their lengths.
  std::size_t octets() const noexcept { return texts_.size(); }

  /// As Identity::text() said it.
  std::string_view text(Place place) const noexcept;

  /// Places in the order of add(): `for (auto p = first(); p != end(); p = next(p))`.
  Place first() const noexcept { return 0; }

  Place next(Place place) const noexcept { return static_cast<Place>(place + length_octets + text(place).size()); }

  Place end() const noexcept { return static_cast<Place>(texts_.size()); }

private:
  static constexpr std::size_t length_octets = 2;

  /// Where it stands in table_, or the free slot where it would.
  std::size_t find_slot(std::string_view text) const noexcept;
  void grow();

  std::string texts_;
  std::vector<Place> table_; ///< place + 1; 0: free. The size is a power of two
  std::size_t count_ = 0;
};

/// An identity from what IdentitySet::text() says; throws where the text is not one.
Identity identity_from_text(std::string_view text);

} // namespace danegate::core
