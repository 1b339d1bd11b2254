#include "daemon/core/identity_set.h"

#include <stdexcept>
#include <utility>

namespace danegate::core {

namespace {

constexpr std::size_t first_table = 16;

/// FNV-1a over the text with ASCII letters folded. The texts are the operator's own, so nobody chooses collisions.
std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    const auto octet = static_cast<std::uint8_t>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    hash = (hash ^ octet) * 0x100000001b3U;
  }
  return hash ^ (hash >> 32U);
}

} // namespace

std::string_view IdentitySet::text(Place place) const noexcept {
  const auto octet = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<std::uint8_t>(texts_[i])); };
  const auto length = octet(place) << 8U | octet(place + 1);
  return {texts_.data() + place + length_octets, length};
}

std::size_t IdentitySet::find_slot(std::string_view text) const noexcept {
  const auto mask = table_.size() - 1;
  auto slot = static_cast<std::size_t>(hash_of(text)) & mask;
  while (table_[slot] != 0 && !ascii_iequals(this->text(table_[slot] - 1), text))
    slot = (slot + 1) & mask;
  return slot;
}

void IdentitySet::grow() {
  table_.assign(table_.empty() ? first_table : table_.size() * 2, 0);
  for (auto place = first(); place != end(); place = next(place))
    table_[find_slot(text(place))] = place + 1;
}

bool IdentitySet::add(const Identity& identity) {
  const auto added = identity.text();
  if (added.size() > max_text || texts_.size() + length_octets + added.size() >= max_octets - 1) return false;
  if (3 * (count_ + 1) > 2 * table_.size()) grow();
  const auto slot = find_slot(added);
  if (table_[slot] != 0) return true;
  table_[slot] = end() + 1;
  texts_ += static_cast<char>(added.size() >> 8U);
  texts_ += static_cast<char>(added.size() & 0xffU);
  texts_ += added;
  ++count_;
  return true;
}

bool IdentitySet::contains(const Identity& identity) const {
  return count_ > 0 && table_[find_slot(identity.text())] != 0;
}

Identity identity_from_text(std::string_view text) {
  auto identity = parse_identity(text, nullptr);
  if (!identity) throw std::invalid_argument("not an identity: " + std::string(text));
  return std::move(*identity);
}

} // namespace danegate::core
