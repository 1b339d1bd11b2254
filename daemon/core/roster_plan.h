// What a roster is about: the owner names that the services' templates make of every identity that a rule names in
// full, and which rules and services each of them counts for.
//
// Made once while a configuration is loaded, on the loader's thread; immutable then, and shared. For a million names it
// takes some 25 MiB beside the identities themselves: an owner name is not stored but made again of the identity and
// the template. Entries have numbers, and a plan that is based on the one before it keeps the number of every name that
// is still there: what is known of a name stays where it is, and a reload moves nothing.
#pragma once

#include "daemon/core/rules.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace danegate::core {

class RosterPlan {
public:
  using Number = std::uint32_t;
  using Membership = std::uint32_t;

  static constexpr std::size_t max_names = std::size_t{1} << 23U; ///< owner names; some 2.5 GiB

  /// The error says what is too much, for the operator. `previous` may be null.
  static std::expected<std::shared_ptr<const RosterPlan>, std::string>
  make(const RuleSet& rules, const Ports& ports, const std::shared_ptr<const RosterPlan>& previous = nullptr);

  /// Owner names.
  std::size_t names() const noexcept { return names_; }

  /// Every number is less; between them may be gaps.
  std::size_t numbers() const noexcept { return entries_.size(); }

  bool has(Number number) const noexcept { return number < entries_.size() && entries_[number].shape != no_shape; }

  /// Of a number that has() holds for.
  OwnerName name_of(Number number) const;

  std::uint32_t hash_of(Number number) const noexcept { return entries_[number].hash; }

  static std::uint32_t hash_of(const DnsName& owner) noexcept;

  /// The first entry with this owner name.
  std::optional<Number> find(const DnsName& owner) const;

  /// A group is all names that count for one rule in one service: rule index * services + service index.
  std::size_t groups() const noexcept { return groups_; }

  /// How many names a group has.
  std::size_t names_in(std::size_t group) const noexcept {
    return group < group_names_.size() ? group_names_[group] : 0;
  }

  /// The groups of an entry.
  std::span<const std::uint32_t> groups_of(Number number) const noexcept {
    return memberships_[entries_[number].membership];
  }

  /// Names that `previous` did not have, by number, in the order in which they are to be resolved at first.
  const std::vector<Number>& added() const noexcept { return added_; }

  /// Numbers that mean nothing any more, or another name than in `previous`.
  const std::vector<Number>& dropped() const noexcept { return dropped_; }

  bool based_on(const std::shared_ptr<const RosterPlan>& plan) const noexcept {
    return !previous_.owner_before(plan) && !plan.owner_before(previous_);
  }

private:
  friend class RosterPlanner;

  static constexpr std::uint16_t no_shape = UINT16_MAX;

  struct Entry {
    IdentitySet::Place place = 0;
    std::uint32_t hash = 0; ///< of the owner name
    std::uint16_t source = 0;
    std::uint16_t shape = no_shape; ///< no_shape: there is no such entry
    Membership membership = 0;
  };

  struct Shape {
    OwnerTemplate name;
    bool keep_case;
  };

  explicit RosterPlan(const Ports& ports) : ports_(ports) {}

  std::optional<OwnerName> make_name(const Entry& entry) const;
  bool same(const Entry& entry, std::uint32_t hash, const OwnerName& name) const;
  void fill_table();

  Ports ports_;
  std::vector<std::shared_ptr<const IdentitySet>> sources_;
  std::vector<Shape> shapes_;
  std::vector<Entry> entries_;
  std::vector<Number> table_; ///< number + 1 by owner name, open addressing; 0: free
  std::vector<std::vector<std::uint32_t>> memberships_;
  std::vector<std::size_t> group_names_;
  std::vector<Number> added_;
  std::vector<Number> dropped_;
  std::weak_ptr<const RosterPlan> previous_;
  std::size_t names_ = 0;
  std::size_t groups_ = 0;
};

} // namespace danegate::core
