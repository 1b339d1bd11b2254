#include "daemon/ctl/live_plan.h"

#include "daemon/core/overloaded.h"
#include "daemon/core/roster_digests.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace danegate::ctl {

namespace {

using core::IdentityPattern;

class Planner {
public:
  Planner(const config::Config& config, const core::Ports& ports) : config_(config), ports_(ports) {}

  void add_rules() {
    const auto rules = config_.rules->rules();
    for (std::size_t i = 0; i < rules.size(); ++i) {
      for (const auto& pattern : rules[i].identities)
        add(pattern, i);
      if (rules[i].identity_files) plan.in_files += rules[i].identity_files->size();
    }
    if (plan.in_files == 0) return;
    const auto step = (plan.in_files + max_sampled - 1) / max_sampled;
    std::size_t count = 0;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (!rules[i].identity_files) continue;
      const auto& file = *rules[i].identity_files;
      for (auto place = file.first(); place != file.end(); place = file.next(place))
        if (count++ % step == 0) {
          ++plan.sampled;
          add(core::identity_from_text(file.text(place)), i);
        }
    }
  }

  LivePlan plan;

private:
  void add(const IdentityPattern& pattern, std::size_t rule) {
    switch (pattern.kind()) {
    case IdentityPattern::Kind::exact: add(*pattern.identity(), rule); break;
    case IdentityPattern::Kind::below: add_zone(pattern.identity()->domain, rule); break;
    case IdentityPattern::Kind::sender:
    case IdentityPattern::Kind::sender_domain:
    case IdentityPattern::Kind::below_sender_domain:
      for (const auto& sender : config_.rules->rules()[rule].senders)
        if (sender.domain()) add_zone(*sender.domain(), rule);
      break;
    }
  }

  void add(const core::Identity& identity, std::size_t rule) {
    LiveSubject subject{identity.text(), rule, {}, false};
    const auto& wanted = config_.rules->rules()[rule].services;
    for (const auto& service : config_.rules->services()) {
      if (!wanted.empty() && std::ranges::find(wanted, service.name) == wanted.end()) continue;
      for (const auto& name : service.names)
        if (const auto owner = name.name_for(identity, service.keep_case, ports_);
            owner && std::ranges::find(subject.names, owner->owner) == subject.names.end())
          subject.names.push_back(owner->owner);
    }
    // Another rule may name it for other services, and under other names.
    auto key = identity.key();
    for (const auto& name : subject.names)
      key += ' ' + name.text();
    if (!subject.names.empty() && seen_.insert(std::move(key)).second) plan.subjects.push_back(std::move(subject));
  }

  void add_zone(const core::DnsName& domain, std::size_t rule) {
    if (zones_.insert(domain).second) plan.subjects.push_back({domain.text(), rule, {domain}, true});
  }

  const config::Config& config_;
  const core::Ports& ports_;
  std::set<std::string> seen_;
  std::set<core::DnsName> zones_;
};

/// The better an answer, the later: a subject is as good as its best name.
enum class State : std::uint8_t { failed, bogus, insecure, absent, unusable, good };

State quality_of(const core::TlsaAnswer& answer) {
  return std::visit(core::Overloaded{
                        [](const core::Secure& secure) {
                          return std::ranges::any_of(secure.records, core::is_usable_by_digest) ? State::good
                                                                                                : State::unusable;
                        },
                        [](const core::Absent&) { return State::absent; },
                        [](const core::Insecure&) { return State::insecure; },
                        [](const core::Bogus&) { return State::bogus; },
                        [](const core::Failed&) { return State::failed; },
                    },
                    answer.outcome);
}

std::string why_of(const core::TlsaAnswer& answer) {
  if (const auto* const bogus = std::get_if<core::Bogus>(&answer.outcome)) return bogus->why;
  if (const auto* const failed = std::get_if<core::Failed>(&answer.outcome)) return failed->why;
  return {};
}

std::string_view id_for(State state, bool zone_only) {
  switch (state) {
  case State::good: return {};
  case State::absent: return zone_only ? "" : "identity-no-record";
  case State::unusable: return zone_only ? "" : "identity-unusable";
  case State::insecure: return zone_only ? "domain-insecure" : "identity-insecure";
  case State::bogus: return zone_only ? "domain-bogus" : "identity-bogus";
  case State::failed: return zone_only ? "" : "identity-unresolved"; // servers for what stands below may be others
  }
  return {};
}

std::string message_for(State state, const LiveSubject& subject, std::string_view owner, const std::string& why) {
  const auto& identity = subject.identity;
  switch (state) {
  case State::good: break;
  case State::absent:
    return fmt::format("{} has no TLSA record; its owner publishes {}. IN TLSA 3 1 1 with the digest of its key",
                       identity, owner);
  case State::unusable:
    return fmt::format("{}. has TLSA records, and none that a digest can be compared with: its owner publishes 3 1 1",
                       owner);
  case State::insecure:
    return subject.zone_only
               ? fmt::format("{} is in a zone without DNSSEC, so no identity there can be authenticated", identity)
               : fmt::format("{}. is in a zone without DNSSEC, so {} cannot be authenticated; is a DS record missing?",
                             owner, identity);
  case State::bogus: return fmt::format("DNSSEC validation of {}. fails: {}", owner, why);
  case State::failed: return fmt::format("no answer about {}.: {}", owner, why);
  }
  return {};
}

} // namespace

std::vector<core::DnsName> LivePlan::names() const {
  std::set<core::DnsName> all;
  for (const auto& subject : subjects)
    all.insert(subject.names.begin(), subject.names.end());
  return {all.begin(), all.end()};
}

LivePlan plan_lookups(const config::Config& config, const core::Ports& ports) {
  Planner planner(config, ports);
  planner.add_rules();
  return std::move(planner.plan);
}

std::vector<Finding> judge_answers(const LivePlan& plan, const LiveAnswers& answers, const config::Config& config) {
  std::vector<Finding> found;
  for (const auto& subject : plan.subjects) {
    std::optional<State> best;
    auto of_best = answers.end();
    for (const auto& name : subject.names) {
      const auto answer = answers.find(name);
      if (answer == answers.end()) continue;
      const auto state = quality_of(*answer->second);
      if (best && state <= *best) continue;
      best = state;
      of_best = answer;
    }
    const auto id = best ? id_for(*best, subject.zone_only) : std::string_view();
    if (id.empty()) continue;
    const auto& rule = config.rules->rules()[subject.rule];
    auto finding =
        make_finding(id, fmt::format("rule \"{}\": {}", rule.name,
                                     message_for(*best, subject, of_best->first.text(), why_of(*of_best->second))));
    finding.place = config.rule_places[subject.rule];
    found.push_back(std::move(finding));
  }
  if (plan.sampled < plan.in_files)
    found.push_back(make_finding("identities-sampled", fmt::format("identity-files: {} of {} identities were looked up",
                                                                   plan.sampled, plan.in_files)));
  return found;
}

} // namespace danegate::ctl
