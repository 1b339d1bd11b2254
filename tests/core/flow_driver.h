// Drives one AuthFlow over scripted answers, as a front end would: hands out the needs, feeds the answers back in an
// order of the test's choosing, and notes what was asked.
#pragma once

#include "daemon/core/auth_flow.h"
#include "tests/core/builders.h"
#include "tests/core/credentials.h"
#include "tests/core/real_ports.h"

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace danegate::test {

/// One session on a service "smtp" of one's own.
struct Scene {
  std::vector<std::string> templates{"_smtp-client.{helo}"};
  std::vector<Rule> rules;
  std::vector<std::string> lookup_domains;
  bool open_to_all = false;
  Mode service_mode = Mode::enforce;
  Action default_action = Action::tag;
  Evidence evidence = both_digests();
  Claims claims;
  Envelope envelope;
  FlowLimits limits;

  Scene() {
    claims.helo = "mta1.acme.example";
    set_sender("ceo@acme.example");
    envelope.client = ip("192.0.2.1");
  }

  void set_sender(std::string_view text) {
    claims.sender = address(text);
    envelope.sender = claims.sender;
  }

  std::shared_ptr<const RuleSet> rule_set() const {
    Service service;
    service.name = "smtp";
    service.ports = {25};
    for (const std::string& t : templates)
      service.names.push_back(owner_template(t));
    service.mode = service_mode;
    service.default_action = default_action;
    std::vector<DnsName> domains;
    for (const std::string& d : lookup_domains)
      domains.push_back(dns_name(d));
    return std::make_shared<const RuleSet>(std::vector<Service>{service}, rules, domains, open_to_all);
  }

  AuthFlow flow() const { return flow(rule_set()); }

  AuthFlow flow(std::shared_ptr<const RuleSet> set) const {
    Question question{&set->services().front(), evidence, claims, envelope};
    return {std::move(set), std::move(question), real_ports(), limits};
  }
};

/// What DNS says of one owner name.
struct Script {
  AnswerPtr answer;
  bool cached = false;
  AnswerPtr fresh = nullptr; ///< of a re-query; null: it may not be made now, the flow is told to keep what it has
};

using Scripts = std::map<std::string, Script>; // by owner name

struct Run {
  Decision decision;
  std::vector<std::string> asked;    ///< owner names of first needs, in the order in which they were wanted
  std::vector<std::string> re_asked; ///< those of re-queries
};

/// `order` is applied to every batch of needs: {1, 0} answers the second one first. Missing places keep their order.
inline Run run(AuthFlow flow, const Scripts& scripts, const std::vector<std::size_t>& order = {}) {
  Run result;
  for (int turns = 0; !flow.done(); ++turns) {
    if (turns > 10) throw std::logic_error("the flow wants no end of lookups");
    std::vector<Need> needs = flow.take_needs();
    if (needs.empty()) throw std::logic_error("the flow is not done and wants nothing");
    for (const Need& need : needs)
      (need.fresh ? result.re_asked : result.asked).push_back(need.name->text());
    if (needs.size() == order.size()) {
      std::vector<Need> ordered;
      for (const std::size_t i : order)
        ordered.push_back(needs[i]);
      needs = ordered;
    }
    for (const Need& need : needs) {
      if (flow.done()) break; // what comes after the verdict is dropped by every driver
      const Script& script = scripts.at(need.name->text());
      if (!need.fresh)
        flow.answer(need.id, script.answer, script.cached);
      else if (script.fresh)
        flow.answer(need.id, script.fresh, false);
      else
        flow.keep(need.id);
    }
  }
  result.decision = flow.take();
  return result;
}

} // namespace danegate::test
