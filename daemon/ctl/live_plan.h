// `danegate check --live`: which names the rules ask for, and what the answers say about the rules. Pure.
//
// Identities that rules name in full are asked for under every owner name that their services make of them. Of domains
// below which identities are accepted (`*.d`, or senders where an identity has a field) only the state of the zone can
// be told. Identity files may have millions of entries: a sample, spread evenly, is asked for.
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/tlsa_answer.h"
#include "daemon/ctl/finding.h"

#include <map>
#include <string>
#include <vector>

namespace danegate::ctl {

inline constexpr std::size_t max_sampled = 1000; ///< identities of files, over all rules

struct LiveSubject {
  std::string identity;             ///< or the domain
  std::size_t rule;                 ///< the first that names it
  std::vector<core::DnsName> names; ///< to ask for
  bool zone_only = false;
};

struct LivePlan {
  std::vector<LiveSubject> subjects;
  std::size_t sampled = 0;  ///< of those in files
  std::size_t in_files = 0; ///< all of them

  /// Each once.
  std::vector<core::DnsName> names() const;
};

LivePlan plan_lookups(const config::Config& config, const core::Ports& ports);

using LiveAnswers = std::map<core::DnsName, core::AnswerPtr>;

/// A name without an answer is passed over: it was not asked for.
std::vector<Finding> judge_answers(const LivePlan& plan, const LiveAnswers& answers, const config::Config& config);

} // namespace danegate::ctl
