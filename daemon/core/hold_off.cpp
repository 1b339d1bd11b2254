#include "daemon/core/hold_off.h"

#include "daemon/core/overloaded.h"

#include <algorithm>
#include <string>
#include <utility>

namespace danegate::core {

namespace {

constexpr std::size_t min_labels = 2;
constexpr std::size_t max_labels = 6; ///< of parents above the first

bool starts_with_underscore(const DnsName& name) noexcept {
  return name.first_label().starts_with('_');
}

/// Where the identity's first labels end.
std::optional<DnsName> first_parent(const DnsName& owner) {
  bool underscore = false;
  bool other_before = false;
  bool other = false;
  std::optional<DnsName> rest;
  for (auto name = std::optional(owner); name; name = name->parent()) {
    if (!starts_with_underscore(*name)) {
      other = true;
      continue;
    }
    underscore = true;
    other_before = other;
    rest = name->parent();
  }
  if (!underscore) return owner.parent();
  return rest && !other_before ? rest->parent() : rest;
}

/// What a name below `parent` is told.
AnswerPtr held_answer(const DnsName& parent, const TlsaAnswer& last) {
  const auto words = [&](const std::string& why) { return "held off: " + parent.text() + " does not answer: " + why; };
  TlsaOutcome outcome = last.outcome;
  std::visit(Overloaded{
                 [&](Failed& failed) { failed.why = words(failed.why); },
                 [&](Bogus& bogus) { bogus.why = words(bogus.why); },
                 [](auto&) {},
             },
             outcome);
  return std::make_shared<const TlsaAnswer>(TlsaAnswer{std::move(outcome), {}});
}

} // namespace

std::vector<DnsName> parents_of(const DnsName& owner) {
  std::vector<DnsName> parents;
  for (auto parent = first_parent(owner); parent; parent = parent->parent()) {
    const std::size_t labels = parent->label_count();
    if (labels < min_labels) break;
    if (parents.empty() || labels <= max_labels) parents.push_back(*parent);
  }
  return parents;
}

AnswerPtr HoldOff::check(const DnsName& owner, Time now) {
  if (held_.empty() || answers(owner, now)) return nullptr;
  for (const DnsName& parent : parents_of(owner)) {
    if (const auto found = held_.find(parent); found != held_.end()) {
      found->second.met = now;
      ++found->second.refused;
      return found->second.answer;
    }
    if (answers(parent, now)) return nullptr;
  }
  return nullptr;
}

void HoldOff::learn(const DnsName& owner, const AnswerPtr& answer, Time now) {
  if (is_overload(*answer)) return;
  const auto parents = parents_of(owner);
  if (is_definite(*answer)) {
    auto& table = std::holds_alternative<Secure>(answer->outcome) ? answered_ : denied_;
    table.note(owner, now);
    if (!parents.empty()) table.note(parents.front(), now);
    return;
  }
  for (const DnsName& parent : parents) {
    if (held_.contains(parent)) continue;
    Count& count = count_of(parent);
    if (now < count.spared_until) continue;
    if (now - count.since >= window) {
      count.failures = 0;
      count.since = now;
    }
    if (++count.failures < threshold || asked_.contains(parent)) continue;
    if (wanted_.size() < max_wanted) wanted_.insert_or_assign(parent, answer);
  }
}

HoldOff::Count& HoldOff::count_of(const DnsName& parent) {
  if (const auto found = counts_.find(parent); found != counts_.end()) {
    counted_.splice(counted_.end(), counted_, found->second.place);
    return found->second;
  }
  if (counts_.size() >= max_counted) {
    counts_.erase(counted_.front());
    counted_.pop_front();
  }
  counted_.push_back(parent);
  Count& count = counts_[parent];
  count.place = std::prev(counted_.end());
  return count;
}

/// A dead zone makes names fail under every parent that they have in it: the highest is asked for first.
bool HoldOff::has_ancestor_that_waits(const DnsName& parent) const {
  for (auto above = parent.parent(); above; above = above->parent())
    if (wanted_.contains(*above) || asked_.contains(*above)) return true;
  return false;
}

void HoldOff::take_wanted(std::vector<DnsName>& probes) {
  for (auto at = wanted_.begin(); at != wanted_.end() && asked_.size() < max_probes;) {
    if (has_ancestor_that_waits(at->first)) {
      ++at;
      continue;
    }
    probes.push_back(at->first);
    asked_.insert(*at);
    at = wanted_.erase(at);
  }
}

std::vector<DnsName> HoldOff::take_probes(Time now) {
  std::erase_if(wanted_, [this](const auto& wanted) {
    for (auto above = std::optional(wanted.first); above; above = above->parent())
      if (held_.contains(*above)) return true;
    return false;
  });
  std::vector<DnsName> probes;
  take_wanted(probes);
  std::vector<const Held::value_type*> due;
  for (const auto& held : held_)
    if (held.second.next_probe <= now && !asked_.contains(held.first)) due.push_back(&held);
  std::ranges::sort(due, {}, [](const auto* held) { return held->second.next_probe; });
  for (const auto* held : due) {
    if (asked_.size() >= max_probes) break;
    probes.push_back(held->first);
    asked_.emplace(held->first, held->second.last);
  }
  return probes;
}

std::optional<HoldOff::Change> HoldOff::probed(const DnsName& parent, const AnswerPtr& answer, Time now) {
  asked_.erase(parent);
  const auto found = held_.find(parent);
  const bool is_held = found != held_.end();
  if (is_definite(*answer)) {
    Count& count = count_of(parent);
    count.failures = 0;
    count.spared_until = now + spared;
    if (!is_held) return std::nullopt;
    auto ended = change(Change::Kind::ended, parent, found->second, now);
    held_.erase(found);
    return ended;
  }
  if (is_held) {
    found->second.next_probe = now + probe_every;
    if (!is_overload(*answer)) found->second.last = answer;
    return std::nullopt;
  }
  if (is_overload(*answer) || held_.size() >= max_held) {
    count_of(parent).spared_until = now + probe_every;
    return std::nullopt;
  }
  const Hold hold{held_answer(parent, *answer), answer, now, now + probe_every, now};
  held_.emplace(parent, hold);
  return change(Change::Kind::begun, parent, hold, now);
}

std::vector<HoldOff::Change> HoldOff::release(const DnsName& owner, Time now) {
  std::vector<Change> changes;
  for (const DnsName& parent : parents_of(owner)) {
    if (const auto counted = counts_.find(parent); counted != counts_.end()) counted->second.failures = 0;
    wanted_.erase(parent);
    const auto found = held_.find(parent);
    if (found == held_.end()) continue;
    changes.push_back(change(Change::Kind::forgotten, parent, found->second, now));
    held_.erase(found);
  }
  return changes;
}

std::vector<HoldOff::HeldZone> HoldOff::held_zones(Time now) const {
  const auto seconds = [](Time::duration time) { return std::chrono::duration_cast<std::chrono::seconds>(time); };
  std::vector<HeldZone> zones;
  for (const auto& [parent, hold] : held_) {
    std::optional<std::chrono::seconds> next;
    if (!asked_.contains(parent)) next = seconds(std::max(hold.next_probe - now, Time::duration::zero()));
    zones.push_back({parent, hold.last, seconds(now - hold.since), next, hold.refused});
  }
  std::ranges::sort(zones, {}, [](const HeldZone& zone) -> const std::string& { return zone.parent.text(); });
  return zones;
}

std::vector<HoldOff::Change> HoldOff::forget_met_before(Time then, Time now) {
  std::vector<Change> changes;
  std::erase_if(held_, [&](const auto& held) {
    if (held.second.met > then) return false;
    changes.push_back(change(Change::Kind::forgotten, held.first, held.second, now));
    return true;
  });
  return changes;
}

HoldOff::Change HoldOff::change(Change::Kind kind, const DnsName& parent, const Hold& hold, Time now) {
  return {kind, parent, hold.last, std::chrono::duration_cast<std::chrono::seconds>(now - hold.since), hold.refused};
}

} // namespace danegate::core
