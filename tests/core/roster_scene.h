// A roster over a few rules and services, with a clock that the test sets.
#pragma once

#include "daemon/core/roster.h"
#include "tests/core/builders.h"
#include "tests/core/credentials.h"
#include "tests/core/real_ports.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace danegate::test {

using namespace std::chrono_literals;

inline Service service_with(std::string name, const std::vector<std::string>& templates) {
  Service s;
  s.name = std::move(name);
  for (const auto& t : templates)
    s.names.push_back(owner_template(t));
  return s;
}

inline Rule naming(std::string name, const std::vector<std::string>& patterns) {
  Rule r;
  r.name = std::move(name);
  for (const auto& p : patterns)
    r.identities.push_back(identities(p));
  return r;
}

inline std::shared_ptr<const IdentitySet> file_of(const std::vector<std::string>& names) {
  auto set = std::make_shared<IdentitySet>();
  for (const auto& n : names)
    set->add(identity(n));
  return set;
}

inline Rule in_file(std::string name, const std::vector<std::string>& names, bool prefetch = true) {
  Rule r;
  r.name = std::move(name);
  r.identity_files = file_of(names);
  r.prefetch = prefetch;
  return r;
}

inline std::shared_ptr<const RosterPlan> plan_of(const RuleSet& rules,
                                                 const std::shared_ptr<const RosterPlan>& previous = nullptr) {
  return RosterPlan::make(rules, real_ports(), previous).value();
}

/// Owner names, sorted.
inline std::vector<std::string> names_of(const RosterPlan& plan) {
  std::vector<std::string> names;
  for (RosterPlan::Number n = 0; n < plan.numbers(); ++n)
    if (plan.has(n)) names.push_back(plan.name_of(n).owner.text());
  std::ranges::sort(names);
  return names;
}

/// One service "smtp" with one template, and whatever rules.
struct RosterScene {
  explicit RosterScene(std::vector<Rule> described, RosterLimits limited = {})
      : rules(std::make_shared<const RuleSet>(std::vector<Service>{service_with("smtp", {"_smtp-client.{helo}"})},
                                              std::move(described), std::vector<DnsName>{}, false)),
        limits(limited), roster(plan_of(*rules), limits, real_ports().hash, now) {}

  /// Everything that is due now, in order.
  std::vector<std::string> take_all() {
    std::vector<std::string> taken;
    while (const auto due = roster.take_due(now))
      taken.push_back(roster.plan()->name_of(due->number).owner.text());
    return taken;
  }

  RosterPlan::Number number(std::string_view owner) const { return roster.plan()->find(dns_name(owner)).value(); }

  RosterChange store(std::string_view owner, const AnswerPtr& answer) {
    return roster.store(number(owner), *answer, now);
  }

  /// "secure", "secure by grace", "absent", "insecure" or "-".
  std::string state(std::string_view owner) const {
    const auto held = roster.find(dns_name(owner), now);
    return held ? std::string(state_of(*held->answer)) + (held->grace ? " by grace" : "") : "-";
  }

  std::vector<std::string> candidates(const Evidence& evidence = both_digests()) const {
    std::vector<std::string> found;
    for (const auto& candidate : roster.candidates(evidence, now).found)
      found.push_back(candidate.name.identity.text());
    std::ranges::sort(found);
    return found;
  }

  std::size_t unresolved(std::size_t group = 0) { return roster.doubt(group, now).unresolved; }

  TimePoint now{std::chrono::hours{490000}}; // 2025
  std::shared_ptr<const RuleSet> rules;
  RosterLimits limits;
  Roster roster;
};

inline AnswerPtr signed_answer(std::vector<TlsaRecord> records, std::chrono::seconds ttl, TimePoint signatures_end) {
  TlsaAnswer answer{Secure{std::move(records), 0, Wildcard::none}, ttl};
  answer.signatures_end = std::chrono::floor<std::chrono::seconds>(signatures_end);
  return std::make_shared<const TlsaAnswer>(std::move(answer));
}

} // namespace danegate::test
