#include "daemon/core/dns_name.h"
#include "daemon/ctl/postfix_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace danegate::ctl {

namespace {

constexpr std::string_view milters = "smtpd_milters";

struct Option {
  std::string value;
  std::string parameter; ///< where it is said
};

Option option_of(const SmtpdView& smtpd, const MilterUse& use, const std::string& name) {
  if (const auto own = use.endpoint.options.find(name); own != use.endpoint.options.end())
    return {own->second, std::string(milters)};
  const auto parameter = "milter_" + name;
  return {std::string(smtpd.service->value(parameter)), parameter};
}

/// smtpd_milters with this one's endpoint replaced.
Fix replace_milter(const PostfixView& view, const SmtpdView& smtpd, const MilterUse& use, const Endpoint& by) {
  std::string value;
  for (const auto& word : split_list(smtpd.service->value(milters))) {
    const bool is_it = Endpoint::parse(word).address == use.endpoint.address;
    value += (value.empty() ? "" : ", ") + (is_it ? by.text() : word);
  }
  return set_parameter(view, *smtpd.service, milters, value);
}

Fix set_option(const PostfixView& view, const SmtpdView& smtpd, const MilterUse& use, const std::string& option,
               const std::string& value) {
  auto by = use.endpoint;
  by.options[option] = value;
  return replace_milter(view, smtpd, use, by);
}

void find_timeouts(const PostfixView& view, const SmtpdView& smtpd, const MilterUse& use, std::vector<Finding>& found) {
  const auto deadline = std::chrono::ceil<std::chrono::seconds>(view.config.limits.deadline);
  for (const auto* const name : {"command_timeout", "content_timeout"}) {
    const auto option = option_of(smtpd, use, name);
    const auto timeout = postfix_time(option.value);
    if (!timeout || *timeout > view.config.limits.deadline) continue;
    auto finding = make_finding("milter-timeout",
                                fmt::format("Postfix waits {} for the milter ({}), and limits.deadline is {} ms: it "
                                            "gives up on answers that come in time",
                                            option.value, name, view.config.limits.deadline.count()));
    finding = parameter_finding(view, *smtpd.service, option.parameter, std::move(finding));
    finding.fixes.push_back(set_option(view, smtpd, use, name, fmt::format("{}s", 2 * deadline.count())));
    found.push_back(std::move(finding));
  }
}

void find_default(const PostfixView& view, const SmtpdView& smtpd, const MilterUse& use, std::vector<Finding>& found) {
  const auto action = option_of(smtpd, use, "default_action");
  const bool accepts = core::ascii_iequals(action.value, "accept") && some_rule_refuses(view.config, nullptr, true);
  const bool rejects = core::ascii_iequals(action.value, "reject");
  if (!accepts && !rejects) return;
  auto finding = make_finding("milter-default", accepts ? "default_action=accept beside rules with from that refuse: "
                                                          "while the milter is down, what they refuse goes through"
                                                        : "default_action=reject: while the milter is down, all mail "
                                                          "is bounced");
  finding = parameter_finding(view, *smtpd.service, action.parameter, std::move(finding));
  finding.fixes.push_back(set_option(view, smtpd, use, "default_action", "tempfail"));
  found.push_back(std::move(finding));
}

void find_version(const PostfixView& view, const SmtpdView& smtpd, std::vector<Finding>& found) {
  if (smtpd.service->is_version(3, 2)) return;
  found.push_back(parameter_finding(
      view, *smtpd.service, milters,
      make_finding("milter-old-postfix", fmt::format("Postfix {} does not tell the milter its port, so no session's "
                                                     "evidence is found; 3.2 does",
                                                     smtpd.service->value("mail_version")))));
}

/// Sessions about which the policy service is never asked, so that there is no evidence of their keys.
void find_no_evidence(const PostfixView& view, const SmtpdView& smtpd, std::vector<Finding>& found) {
  const auto port = smtpd.service->port();
  const auto* const judge = port ? view.config.rules->service_on_port(*port) : nullptr;
  if (!smtpd.asks.empty() || smtpd.map_may_ask || !judge) return;
  if (!some_rule_refuses(view.config, judge) && !some_rule_refuses(view.config, judge, true)) return;
  std::string others;
  for (const auto& word : split_list(smtpd.service->value(milters)))
    if (std::ranges::none_of(
            smtpd.milters, [&](const MilterUse& use) { return Endpoint::parse(word).address == use.endpoint.address; }))
      others += (others.empty() ? "" : ", ") + word;
  auto finding = make_finding("milter-no-evidence",
                              "danegate's milter is asked here and its policy service is not: over TLS every rule that "
                              "holds says `permerror no-evidence`");
  finding.place.file = view.master_cf();
  finding.entry = smtpd.service->entry();
  finding.fixes.push_back(set_parameter(view, *smtpd.service, milters, others, true));
  found.push_back(std::move(finding));
}

void find_nowhere(const PostfixView& view, std::vector<Finding>& found) {
  const auto& first = view.smtpd.front();
  const auto address = address_for(view, *first.service, *view.config.milter.listen);
  const auto deadline = std::chrono::ceil<std::chrono::seconds>(view.config.limits.deadline);
  auto finding = make_finding("milter-not-asked", "[milter] listens, and no smtpd has it in smtpd_milters");
  if (some_rule_refuses(view.config, nullptr, true)) {
    finding.severity = Severity::error;
    finding.message += ": rules with from are never judged";
  }
  finding.place.file = view.main_cf();
  finding.parameter = milters;
  const auto value = view.setup.values.find(milters);
  const auto others = value == view.setup.values.end() ? std::string() : value->second;
  if (!address.empty())
    finding.fixes.push_back(
        {view.main_cf(),
         {},
         fmt::format("smtpd_milters = {}{}{{ {}, connect_timeout=5s, command_timeout={}s, "
                     "content_timeout={}s, default_action=tempfail }}",
                     others, others.empty() ? "" : ", ", address, deadline.count() + 7, 3 * deadline.count() + 6)});
  found.push_back(std::move(finding));
}

} // namespace

std::vector<Finding> find_milter(const PostfixView& view) {
  std::vector<Finding> found;
  if (!view.config.milter.listen || view.smtpd.empty() || view.setup.left_out > 0) return found;
  if (std::ranges::all_of(view.smtpd, [](const SmtpdView& smtpd) { return smtpd.milters.empty(); })) {
    find_nowhere(view, found);
    return found;
  }
  for (const auto& smtpd : view.smtpd) {
    if (smtpd.milters.empty()) continue;
    find_version(view, smtpd, found);
    find_no_evidence(view, smtpd, found);
    for (const auto& use : smtpd.milters) {
      find_timeouts(view, smtpd, use, found);
      find_default(view, smtpd, use, found);
    }
  }
  return found;
}

} // namespace danegate::ctl
