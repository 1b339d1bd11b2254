// Asks DNS for many names through the daemon's resolver, on a loop of its own, a bounded number at a time. One thread;
// blocks until everything is answered, each name within dns.timeout.
#pragma once

#include "daemon/core/resolver_settings.h"
#include "daemon/ctl/live_plan.h"
#include "daemon/dns/anchor_health.h"

#include <functional>

namespace danegate::ctl {

inline constexpr std::size_t live_in_flight = 32;

struct LiveResult {
  dns::SelfTestReport anchors;
  LiveAnswers answers; ///< none, if no trust anchor works: every lookup would say so
};

/// `progress` is told how many of the names are answered. Throws std::runtime_error if libunbound does not take the
/// settings.
LiveResult ask_live(const core::ResolverSettings& settings, const std::vector<core::DnsName>& names,
                    const std::function<void(std::size_t done)>& progress);

/// What is wrong with network, clock or anchor.
std::vector<Finding> judge_anchors(const dns::SelfTestReport& report, const std::string& file);

} // namespace danegate::ctl
