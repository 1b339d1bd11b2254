#include "daemon/service/verdict_counts.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace danegate::service {

std::size_t VerdictCounts::Hash::operator()(const NamesView& names) const noexcept {
  constexpr std::size_t odd = 0x9e3779b9; // apart, where both names are the same
  const std::hash<std::string_view> hash;
  return hash(names.first) * odd + hash(names.second);
}

void VerdictCounts::count(const core::Decision& decision, const core::Outcome& outcome) {
  const NamesView names{decision.service ? std::string_view(decision.service->name) : std::string_view(),
                        outcome.rule ? std::string_view(outcome.rule->name) : std::string_view()};
  auto pair = pairs_.find(names);
  if (pair == pairs_.end()) {
    auto owned = std::make_shared<const Names>(Names{std::string(names.first), std::string(names.second)});
    pair = pairs_.emplace(std::move(owned), Cells{}).first;
  }
  Cells& cells = pair->second;
  const auto cell = std::ranges::find_if(cells, [&](const Cell& each) {
    return each.mode == outcome.mode && each.action == outcome.action && each.reason == outcome.reason;
  });
  if (cell == cells.end())
    cells.push_back({outcome.mode, outcome.action, outcome.reason, 1});
  else
    ++cell->count;
}

void VerdictCounts::note(const core::Decision& decision, std::chrono::microseconds took) {
  totals_.note(decision);
  const std::scoped_lock lock(mutex_);
  durations_.note(took);
  count(decision, decision.outcome);
  for (const auto* const more : {&decision.others, &decision.monitored})
    for (const core::Outcome& outcome : *more)
      count(decision, outcome);
}

void VerdictCounts::tidy(const core::RuleSet& rules) {
  const std::scoped_lock lock(mutex_);
  if (pairs_.size() <= max_pairs) return;
  std::set<std::string_view> services{""};
  std::set<std::string_view> names{""};
  for (const auto& service : rules.services())
    services.insert(service.name);
  for (const auto& rule : rules.rules())
    names.insert(rule.name);
  std::erase_if(pairs_, [&](const auto& pair) {
    return !services.contains(pair.first->service) || !names.contains(pair.first->rule);
  });
}

VerdictCounts::Snapshot VerdictCounts::snapshot() const {
  const std::scoped_lock lock(mutex_);
  Snapshot snapshot;
  snapshot.durations = durations_;
  snapshot.series.reserve(pairs_.size() * 2);
  for (const auto& [names, cells] : pairs_)
    for (const Cell& cell : cells)
      snapshot.series.push_back({names, cell.mode, cell.action, cell.reason, cell.count});
  return snapshot;
}

} // namespace danegate::service
