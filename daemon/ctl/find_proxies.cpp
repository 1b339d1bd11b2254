#include "daemon/ctl/postfix_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace danegate::ctl {

namespace {

constexpr const char* xclient_hosts = "smtpd_authorized_xclient_hosts";
constexpr const char* proxy_protocol = "smtpd_upstream_proxy_protocol";

bool may_be_judged_by(const SmtpdView& smtpd, const core::Rule& rule) {
  const auto judges = [&](const Ask& ask) { return ask.judge && is_for(rule, ask.judge); };
  return std::ranges::any_of(smtpd.asks, judges) || std::ranges::any_of(smtpd.class_asks, [&](const Ask& ask) {
           return judges(ask) && smtpd.a_map_is_named_after(ask);
         });
}

void find_xclient(const PostfixView& view, const SmtpdView& smtpd, std::vector<Finding>& found) {
  const auto hosts = smtpd.service->value(xclient_hosts);
  if (hosts.empty()) return;
  const auto rules = view.config.rules->rules();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& rule = rules[i];
    if (rule.on_pass != core::Action::permit || !rule.clients.empty() || !may_be_judged_by(smtpd, rule)) continue;
    auto finding =
        make_finding("xclient", fmt::format("rule \"{}\" ({}) permits without clients, while Postfix has {} "
                                            "= {}: XCLIENT lends the proxy's key to every client behind it",
                                            rule.name, view.config.rule_places[i].text(), xclient_hosts, hosts));
    finding = parameter_finding(view, *smtpd.service, xclient_hosts, std::move(finding));
    finding.fixes.push_back(set_parameter(view, *smtpd.service, xclient_hosts, ""));
    found.push_back(std::move(finding));
  }
}

void find_upstream(const PostfixView& view, const SmtpdView& smtpd, std::vector<Finding>& found) {
  if (smtpd.service->value(proxy_protocol).empty()) return;
  const auto rules = view.config.rules->rules();
  const auto rule = std::ranges::find_if(
      rules, [&](const core::Rule& each) { return !each.clients.empty() && may_be_judged_by(smtpd, each); });
  if (rule == rules.end()) return;
  found.push_back(parameter_finding(
      view, *smtpd.service, proxy_protocol,
      make_finding("upstream-proxy", fmt::format("whoever connects here says which address the client has, and rule "
                                                 "\"{}\" goes by it (clients): nobody but the proxy should reach this "
                                                 "port",
                                                 rule->name))));
}

} // namespace

std::vector<Finding> find_proxies(const PostfixView& view) {
  std::vector<Finding> found;
  for (const auto& smtpd : view.smtpd) {
    find_xclient(view, smtpd, found);
    find_upstream(view, smtpd, found);
  }
  return found;
}

} // namespace danegate::ctl
