// A roster that holds what the test puts in, and doubts what the test says.
#pragma once

#include "daemon/core/roster_view.h"
#include "tests/core/builders.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace danegate::test {

class FakeRoster final : public RosterView {
public:
  struct Held {
    OwnerName name;
    AnswerPtr answer;
    bool grace = false;
  };

  void hold(std::string_view owner, std::string_view identity_text, AnswerPtr answer, bool grace = false) {
    held.push_back({{dns_name(owner), identity(identity_text)}, std::move(answer), grace});
  }

  std::optional<RosterAnswer> find(const DnsName& owner) const override {
    for (const auto& h : held)
      if (h.name.owner == owner) return RosterAnswer{h.answer, h.grace};
    return std::nullopt;
  }

  /// All of them: match() has the last word.
  RosterCandidates candidates(const Evidence&) const override {
    RosterCandidates found;
    for (const auto& h : held)
      found.found.push_back({h.name, {h.answer, h.grace}});
    found.lapsed = lapsed;
    found.more = crowded;
    return found;
  }

  RosterDoubt doubt(const Rule& rule, const Service&) const override {
    const auto found = doubts.find(rule.name);
    return found == doubts.end() ? RosterDoubt{} : found->second;
  }

  std::vector<Held> held;
  std::vector<OwnerName> lapsed;
  std::map<std::string, RosterDoubt> doubts; ///< by rule
  bool crowded = false;
};

} // namespace danegate::test
