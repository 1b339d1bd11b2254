#include "daemon/core/roster_planner.h"

#include <algorithm>
#include <iterator>

namespace danegate::core {

namespace {

constexpr std::uint32_t new_bit = std::uint32_t{1} << 31U;
constexpr std::size_t first_table = 64;

} // namespace

RosterPlanner::RosterPlanner(const RuleSet& rules, const Ports& ports, std::shared_ptr<const RosterPlan> previous)
    : rules_(rules), plan_(new RosterPlan(ports)), previous_(std::move(previous)) {
  plan_->groups_ = rules.rules().size() * rules.services().size();
  plan_->previous_ = previous_;
  if (previous_) plan_->entries_.resize(previous_->entries_.size());
  intern({});
}

std::shared_ptr<const RosterPlan> RosterPlanner::take() {
  return std::move(plan_);
}

bool RosterPlanner::run() {
  gather();
  for (std::size_t i = 0; i < uses_.size(); ++i) {
    if (i >= RosterPlan::no_shape) return false;
    plan_->sources_.push_back(uses_[i].first);
    if (!add_all(static_cast<std::uint16_t>(i), uses_[i].second)) return false;
  }
  number_the_new();
  plan_->names_ = count_;
  count_groups();
  plan_->fill_table();
  return true;
}

void RosterPlanner::count_groups() {
  plan_->group_names_.assign(plan_->groups_, 0);
  for (Number number = 0; number < plan_->entries_.size(); ++number)
    if (plan_->has(number))
      for (const auto group : plan_->groups_of(number))
        ++plan_->group_names_[group];
}

void RosterPlanner::gather() {
  const auto rules = rules_.rules();
  for (std::size_t i = 0; i < rules.size(); ++i)
    gather(rules[i], i);
}

void RosterPlanner::gather(const Rule& rule, std::size_t rule_index) {
  auto exact = std::make_shared<IdentitySet>();
  for (const auto& pattern : rule.identities)
    if (pattern.kind() == IdentityPattern::Kind::exact) exact->add(*pattern.identity());
  const auto services = rules_.services();
  for (std::size_t i = 0; i < services.size(); ++i) {
    const bool eligible =
        rule.services.empty() || std::ranges::find(rule.services, services[i].name) != rule.services.end();
    if (!eligible) continue;
    if (exact->size() > 0) note(exact, rule_index, i);
    if (rule.prefetch && rule.identity_files) note(rule.identity_files, rule_index, i);
  }
}

void RosterPlanner::note(const std::shared_ptr<const IdentitySet>& source, std::size_t rule_index,
                         std::size_t service_index) {
  auto known = std::ranges::find(uses_, source, &std::pair<std::shared_ptr<const IdentitySet>, Uses>::first);
  if (known == uses_.end()) known = uses_.insert(uses_.end(), {source, {}});
  const auto& service = rules_.services()[service_index];
  const auto group = static_cast<std::uint32_t>(rule_index * rules_.services().size() + service_index);
  for (const auto& name : service.names) {
    const auto shape = shape_of(name, service.keep_case);
    if (!shape) continue;
    auto& groups = known->second[*shape];
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group); // in rising order
  }
}

std::optional<std::uint16_t> RosterPlanner::shape_of(const OwnerTemplate& name, bool keep_case) {
  auto shape = name.shape(keep_case);
  if (shape.empty() || shapes_.size() >= RosterPlan::no_shape - 1U) return std::nullopt;
  const auto [known, is_new] = shapes_.try_emplace(std::move(shape), static_cast<std::uint16_t>(shapes_.size()));
  if (is_new) plan_->shapes_.push_back({name, keep_case});
  return known->second;
}

bool RosterPlanner::add_all(std::uint16_t source, const Uses& uses) {
  const auto& set = *plan_->sources_[source];
  std::vector<std::pair<std::uint16_t, Membership>> shapes;
  for (const auto& [shape, groups] : uses)
    shapes.emplace_back(shape, intern(groups));
  for (auto place = set.first(); place != set.end(); place = set.next(place)) {
    const auto identity = identity_from_text(set.text(place));
    for (const auto& [shape, membership] : shapes) {
      const auto& made_by = plan_->shapes_[shape];
      const auto name = made_by.name.name_for(identity, made_by.keep_case, plan_->ports_);
      if (!name) continue;
      const RosterPlan::Entry entry{place, RosterPlan::hash_of(name->owner), source, shape, membership};
      if (!add(entry, *name, membership)) return false;
    }
  }
  return true;
}

bool RosterPlanner::add(const RosterPlan::Entry& wanted, const OwnerName& name, Membership membership) {
  if (3 * (count_ + 1) > 2 * table_.size()) grow_table();
  const auto mask = table_.size() - 1;
  auto slot = wanted.hash & mask;
  for (; table_[slot] != 0; slot = (slot + 1) & mask) {
    const auto at = table_[slot] - 1;
    auto& known = (at & new_bit) != 0 ? new_[at & ~new_bit] : plan_->entries_[at];
    if (!plan_->same(known, wanted.hash, name)) continue;
    known.membership = united(known.membership, membership);
    return true;
  }
  if (++count_ > RosterPlan::max_names) return false;
  if (previous_) {
    const auto before = previous_->find(name.owner);
    const bool free = before && plan_->entries_[*before].shape == RosterPlan::no_shape;
    if (free && previous_->same(previous_->entries_[*before], wanted.hash, name)) {
      plan_->entries_[*before] = wanted;
      table_[slot] = *before + 1;
      return true;
    }
  }
  table_[slot] = (static_cast<std::uint32_t>(new_.size()) | new_bit) + 1;
  new_.push_back(wanted);
  return true;
}

void RosterPlanner::grow_table() {
  const auto before = std::exchange(table_, std::vector<std::uint32_t>(std::max(first_table, 2 * table_.size()), 0));
  const auto mask = table_.size() - 1;
  for (const auto entry : before) {
    if (entry == 0) continue;
    const auto at = entry - 1;
    const auto hash = (at & new_bit) != 0 ? new_[at & ~new_bit].hash : plan_->entries_[at].hash;
    auto slot = hash & mask;
    while (table_[slot] != 0)
      slot = (slot + 1) & mask;
    table_[slot] = entry;
  }
}

RosterPlan::Membership RosterPlanner::intern(Groups groups) {
  const auto [known, is_new] = interned_.try_emplace(groups, static_cast<Membership>(plan_->memberships_.size()));
  if (is_new) plan_->memberships_.push_back(std::move(groups));
  return known->second;
}

RosterPlan::Membership RosterPlanner::united(Membership a, Membership b) {
  if (a == b) return a;
  const std::pair key(std::min(a, b), std::max(a, b));
  if (const auto known = unions_.find(key); known != unions_.end()) return known->second;
  Groups both;
  std::ranges::set_union(plan_->memberships_[a], plan_->memberships_[b], std::back_inserter(both));
  const auto membership = intern(std::move(both));
  unions_.emplace(key, membership);
  return membership;
}

/// New names fill the gaps that dropped ones leave, then go on at the end.
void RosterPlanner::number_the_new() {
  auto& entries = plan_->entries_;
  std::size_t next = 0;
  plan_->added_.reserve(new_.size());
  for (Number number = 0; number < entries.size(); ++number) {
    if (plan_->has(number)) continue;
    if (previous_->has(number)) plan_->dropped_.push_back(number);
    if (next == new_.size()) continue;
    plan_->added_.push_back(number);
    entries[number] = new_[next++];
  }
  entries.reserve(entries.size() + new_.size() - next);
  for (; next < new_.size(); ++next) {
    plan_->added_.push_back(static_cast<Number>(entries.size()));
    entries.push_back(new_[next]);
  }
  new_ = {};
  table_ = {};
}

} // namespace danegate::core
