#include "daemon/core/roster_plan.h"

#include "daemon/core/roster_planner.h"

#include <bit>
#include <stdexcept>
#include <utility>

namespace danegate::core {

std::uint32_t RosterPlan::hash_of(const DnsName& owner) noexcept {
  const auto hash = static_cast<std::uint64_t>(std::hash<DnsName>{}(owner));
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

std::expected<std::shared_ptr<const RosterPlan>, std::string>
RosterPlan::make(const RuleSet& rules, const Ports& ports, const std::shared_ptr<const RosterPlan>& previous) {
  RosterPlanner planner(rules, ports, previous);
  if (!planner.run())
    return std::unexpected("the identities named in full make more than " + std::to_string(max_names) + " owner names");
  return planner.take();
}

std::optional<OwnerName> RosterPlan::make_name(const Entry& entry) const {
  const auto& shape = shapes_[entry.shape];
  const auto identity = identity_from_text(sources_[entry.source]->text(entry.place));
  return shape.name.name_for(identity, shape.keep_case, ports_);
}

OwnerName RosterPlan::name_of(Number number) const {
  auto name = make_name(entries_[number]);
  if (!name) throw std::logic_error("a name of the roster cannot be made again");
  return std::move(*name);
}

bool RosterPlan::same(const Entry& entry, std::uint32_t hash, const OwnerName& name) const {
  if (entry.hash != hash) return false;
  const auto made = make_name(entry);
  return made && made->owner == name.owner && made->identity == name.identity;
}

std::optional<RosterPlan::Number> RosterPlan::find(const DnsName& owner) const {
  if (table_.empty()) return std::nullopt;
  const auto hash = hash_of(owner);
  const auto mask = table_.size() - 1;
  for (auto slot = hash & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    const auto number = table_[slot] - 1;
    if (entries_[number].hash != hash) continue;
    if (const auto made = make_name(entries_[number]); made && made->owner == owner) return number;
  }
  return std::nullopt;
}

void RosterPlan::fill_table() {
  table_.assign(std::bit_ceil(2 * names_ + 1), 0);
  const auto mask = table_.size() - 1;
  for (Number number = 0; number < entries_.size(); ++number) {
    if (!has(number)) continue;
    auto slot = entries_[number].hash & mask;
    while (table_[slot] != 0)
      slot = (slot + 1) & mask;
    table_[slot] = number + 1;
  }
}

} // namespace danegate::core
