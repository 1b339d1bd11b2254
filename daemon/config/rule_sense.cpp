#include "daemon/config/rule_sense.h"

#include <fmt/format.h>

#include <algorithm>

namespace danegate::config {

namespace {

using core::AddressPattern;

bool covers(const AddressPattern& a, const AddressPattern& b) {
  using enum AddressPattern::Kind;
  switch (a.kind()) {
  case domain: return (b.kind() == domain || b.kind() == mailbox) && a.domain() == b.domain();
  case subtree: return b.domain() && b.domain()->is_within(*a.domain());
  case mailbox: return b.kind() == mailbox && same_mailbox(a.address(), b.address());
  case null_sender: return b.kind() == null_sender;
  case local_part:
    return (b.kind() == mailbox || b.kind() == local_part) && core::ascii_iequals(a.address().local, b.address().local);
  }
  return false;
}

bool covers(const ClientNetwork& a, const ClientNetwork& b) {
  return a.network.contains(b.base) && a.prefix <= b.prefix;
}

/// A condition list that is empty holds always.
template <typename T>
bool list_covers(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.empty()) return true;
  return !b.empty() && std::ranges::all_of(b, [&](const T& one) {
    return std::ranges::any_of(a, [&](const T& other) { return covers(other, one); });
  });
}

/// Whenever the conditions of `b` hold, those of `a` do; services apart.
bool conditions_cover(const LoadedRule& a, const LoadedRule& b) {
  if (a.rule.from.empty() != b.rule.from.empty()) return false; // one asks the envelope, the other the header
  return list_covers(a.rule.senders, b.rule.senders) && list_covers(a.rule.from, b.rule.from) &&
         list_covers(a.rule.recipients, b.rule.recipients) && list_covers(a.clients, b.clients) &&
         (!a.rule.sasl || a.rule.sasl == b.rule.sasl);
}

bool is_for(const core::Rule& rule, const core::Service& service) {
  return rule.services.empty() || std::ranges::find(rule.services, service.name) != rule.services.end();
}

/// The last of the earlier rules that keep this one from being reached; null if some session reaches it.
const LoadedRule* unreachable_behind(const std::vector<LoadedService>& services, const std::vector<LoadedRule>& rules,
                                     std::size_t index) {
  const LoadedRule* last = nullptr;
  for (const auto& loaded : services) {
    const auto& service = loaded.service;
    if (!is_for(rules[index].rule, service)) continue;
    if (service.mode == core::Mode::monitor) return nullptr; // every rule of such a service is looked at
    const auto end = rules.begin() + static_cast<std::ptrdiff_t>(index);
    const auto before = std::find_if(rules.begin(), end, [&](const LoadedRule& earlier) {
      return earlier.rule.mode == core::Mode::enforce && is_for(earlier.rule, service) &&
             conditions_cover(earlier, rules[index]);
    });
    if (before == end) return nullptr;
    if (!last || &*before > last) last = &*before;
  }
  return last;
}

bool lists_a_name(const core::Rule& rule) {
  const auto sender_lists = [](const AddressPattern& p) { return p.domain().has_value(); };
  return std::ranges::any_of(rule.senders, sender_lists) || !rule.from.empty() ||
         !std::ranges::all_of(rule.identities, &core::IdentityPattern::has_field) ||
         (rule.identity_files && rule.identity_files->size() > 0) || (rule.grants && rule.grants->size() > 0);
}

bool something_is_listed_for(const LoadedRule& rule, const std::vector<LoadedService>& services,
                             const std::vector<LoadedRule>& rules) {
  return std::ranges::any_of(services, [&](const LoadedService& s) {
    return is_for(rule.rule, s.service) && std::ranges::any_of(rules, [&](const LoadedRule& other) {
             return is_for(other.rule, s.service) && lists_a_name(other.rule);
           });
  });
}

/// False for exemptions: rules under which everything goes on.
bool decides_something(const core::Rule& rule) {
  using core::Action;
  return std::ranges::any_of(
      std::initializer_list<Action>{rule.on_pass, rule.on_fail, rule.on_none, rule.on_unpublished, rule.on_temperror},
      [](Action action) { return action != Action::tag; });
}

void warn_of_temperror(const LoadedRule& loaded, Diagnostics& diagnostics) {
  const auto& rule = loaded.rule;
  if (!is_refusal(rule.on_fail) || is_refusal(rule.on_temperror)) return;
  diagnostics.warn(
      loaded.section->place("on-temperror"), "temperror-lax",
      fmt::format("rule \"{}\": on-temperror lets pass what on-fail refuses; a client can cause overload and "
                  "DNS errors at will",
                  rule.name));
}

void warn_of_empty_files(const LoadedRule& loaded, Diagnostics& diagnostics) {
  if (loaded.rule.identity_files && loaded.rule.identity_files->size() == 0)
    diagnostics.warn(loaded.section->place("identity-files"), "list-empty",
                     fmt::format("rule \"{}\": identity-files name no identity", loaded.rule.name));
  if (loaded.rule.grants && loaded.rule.grants->size() == 0)
    diagnostics.warn(loaded.section->place("grants"), "list-empty",
                     fmt::format("rule \"{}\": grants name no identity", loaded.rule.name));
}

} // namespace

void warn_of_rules(const std::vector<LoadedService>& services, const std::vector<LoadedRule>& rules,
                   const LookupDomains& lookup, Diagnostics& diagnostics) {
  const bool lookup_lists = lookup.open_to_all || !lookup.domains.empty();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& loaded = rules[i];
    warn_of_temperror(loaded, diagnostics);
    warn_of_empty_files(loaded, diagnostics);
    if (const auto* const earlier = unreachable_behind(services, rules, i))
      diagnostics.warn(loaded.section->place("name"), "rule-unreachable",
                       fmt::format("rule \"{}\" is never reached: rule \"{}\" at {} holds wherever it would",
                                   loaded.rule.name, earlier->rule.name, earlier->section->place("name").text()));
    if (!lookup_lists && decides_something(loaded.rule) && !something_is_listed_for(loaded, services, rules))
      diagnostics.warn(
          loaded.section->place("name"), "nothing-listed",
          fmt::format("rule \"{}\": nothing can ever be looked up: neither identities nor senders of any rule "
                      "for its services nor lookup.domains list a name",
                      loaded.rule.name));
  }
}

} // namespace danegate::config
