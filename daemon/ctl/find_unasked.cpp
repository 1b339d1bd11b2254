#include "daemon/ctl/postfix_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace danegate::ctl {

namespace {

/// Of the first rule that names the service itself.
const core::Rule* rule_naming(const core::Service& service, const config::Config& config) {
  const auto rules = config.rules->rules();
  const auto found = std::ranges::find_if(rules, [&](const core::Rule& rule) {
    return rule.from.empty() && std::ranges::find(rule.services, service.name) != rule.services.end();
  });
  return found == rules.end() ? nullptr : &*found;
}

const config::Place& place_of(const core::Rule& rule, const config::Config& config) {
  return config.rule_places[static_cast<std::size_t>(&rule - config.rules->rules().data())];
}

bool may_ask_for(const SmtpdView& smtpd, const core::Service& service) {
  return smtpd.map_may_ask || std::ranges::any_of(smtpd.asks, [&](const Ask& ask) {
           return ask.judge == &service || (!ask.judge && !ask.no_service);
         });
}

/// The lines of conf/postfix-submission.cf, or of conf/postfix-partner.cf.
std::vector<Fix> make_it_ask(const PostfixView& view, const SmtpdView& smtpd, const core::Service& service) {
  const auto& entry = *smtpd.service;
  const auto check = "check_policy_service " + good_endpoint(view, entry, &service).text();
  if (some_rule_permits(view.config, &service))
    return {set_parameter(view, entry, "smtpd_recipient_restrictions", "", true),
            set_parameter(view, entry, "smtpd_data_restrictions", "", true),
            set_parameter(view, entry, "smtpd_relay_restrictions", "permit_sasl_authenticated, " + check + ", reject",
                          true)};
  const auto own = join(smtpd.list("smtpd_recipient_restrictions"));
  const auto data = join(smtpd.list("smtpd_data_restrictions"));
  const std::string exempt = "permit_mynetworks, permit_sasl_authenticated";
  return {set_parameter(view, entry, "smtpd_recipient_restrictions",
                        (own.empty() ? exempt + ", reject_unauth_destination" : own) + ", " + check, true),
          set_parameter(view, entry, "smtpd_data_restrictions", (data.empty() ? exempt : data) + ", " + check, true)};
}

/// Main.cf asks, and this entry has lists of its own.
std::string why_not(const PostfixView& view, const SmtpdView& smtpd) {
  for (const auto* const list : {"smtpd_relay_restrictions", "smtpd_recipient_restrictions"}) {
    const auto in_main = view.setup.values.find(list);
    if (smtpd.service->overrides.contains(list) && in_main != view.setup.values.end() &&
        in_main->second.find("check_policy_service") != std::string::npos)
      return fmt::format(": main.cf's {} never reaches this entry, which sets its own", list);
  }
  return {};
}

void find_unasked_service(const PostfixView& view, const core::Service& service, std::vector<Finding>& found) {
  const auto* const rule = rule_naming(service, view.config);
  if (!rule) return;
  const SmtpdView* on_its_port = nullptr;
  for (const auto& smtpd : view.smtpd) {
    const auto port = smtpd.service->port();
    const bool is_its = port && std::ranges::find(service.ports, *port) != service.ports.end();
    // Asked where it should be, or by name where it has no port.
    if ((is_its || service.ports.empty()) && may_ask_for(smtpd, service)) return;
    if (is_its && !on_its_port) on_its_port = &smtpd;
  }
  if (!on_its_port) {
    const bool elsewhere =
        std::ranges::any_of(view.smtpd, [&](const SmtpdView& smtpd) { return may_ask_for(smtpd, service); });
    if (elsewhere) return;
    auto finding = make_finding("service-not-asked",
                                fmt::format("rule \"{}\" is for service \"{}\", and no restriction list of Postfix "
                                            "asks for it (policy_context={})",
                                            rule->name, service.name, service.name));
    finding.place = place_of(*rule, view.config);
    found.push_back(std::move(finding));
    return;
  }
  auto finding = make_finding(
      "service-not-asked",
      fmt::format("rule \"{}\" ({}) is for service \"{}\", and this entry does not ask danegate{}", rule->name,
                  place_of(*rule, view.config).text(), service.name, why_not(view, *on_its_port)));
  finding.place.file = view.master_cf();
  finding.entry = on_its_port->service->entry();
  finding.fixes = make_it_ask(view, *on_its_port, service);
  found.push_back(std::move(finding));
}

/// The list serves another entry of master.cf well: this one only has it from main.cf, as where a filter gives mail
/// back.
bool some_entry_is_judged(const PostfixView& view, std::string_view list) {
  return std::ranges::any_of(view.smtpd, [&](const SmtpdView& smtpd) {
    return std::ranges::any_of(smtpd.all_asks(), [&](const Ask* ask) { return ask->list == list && ask->judge; });
  });
}

void find_where_it_stands(const PostfixView& view, const SmtpdView& smtpd, const Ask& ask,
                          std::vector<Finding>& found) {
  const auto& list = smtpd.list(ask.list);
  const auto& holder = list[ask.position].holder;
  const bool inherited = !smtpd.service->overrides.contains(ask.list);
  const auto add = [&](std::string_view id, std::string message, std::vector<Fix> fixes,
                       std::optional<Severity> severity = std::nullopt) {
    auto finding = parameter_finding(view, *smtpd.service, holder, make_finding(id, std::move(message)));
    finding.fixes = std::move(fixes);
    finding.severity = severity.value_or(finding.severity);
    found.push_back(std::move(finding));
  };
  if (!ask.reached) {
    const auto end = std::ranges::find_if(list, &Restriction::is_unconditional);
    Restrictions moved(list);
    std::rotate(moved.begin() + (end - list.begin()), moved.begin() + static_cast<std::ptrdiff_t>(ask.position),
                moved.begin() + static_cast<std::ptrdiff_t>(ask.position) + 1);
    add("check-unreached",
        fmt::format("\"{}\" stands before danegate's check and ends {} for everybody: danegate is never asked",
                    end->text(), ask.list),
        {set_parameter(view, *smtpd.service, ask.list, join(moved))});
  }
  if (list[ask.position].warn_only)
    add("warn-if-reject", "warn_if_reject stands before danegate's check: what it refuses is only logged", {});
  if (ask.context_unknown && !ask.no_service) {
    auto by = ask.endpoint;
    const auto wrong = std::exchange(by.options["policy_context"], ask.judge ? ask.judge->name : "");
    add("context-unknown",
        fmt::format("policy_context={} names no [[service]] of danegate's; the port chooses instead", wrong),
        ask.judge ? std::vector{replace_endpoint(view, smtpd, ask, by)} : std::vector<Fix>{},
        ask.judge ? Severity::warning : Severity::error);
  } else if (ask.no_service) {
    add(ask.context_unknown ? "context-unknown" : "no-service",
        fmt::format("no [[service]] of danegate's {} {}: danegate answers DUNNO here",
                    ask.context_unknown ? "has this policy_context, and none has port" : "has port",
                    smtpd.service->port().value_or(0)),
        {}, inherited && some_entry_is_judged(view, ask.list) ? Severity::note : Severity::error);
  }
}

} // namespace

std::vector<Finding> find_unasked(const PostfixView& view) {
  std::vector<Finding> found;
  for (const auto& smtpd : view.smtpd)
    for (const auto* const ask : smtpd.all_asks())
      find_where_it_stands(view, smtpd, *ask, found);
  if (view.config.policy.listen.empty() || view.setup.left_out > 0) return found;
  const bool asked =
      std::ranges::any_of(view.smtpd, [](const SmtpdView& smtpd) { return !smtpd.asks.empty() || smtpd.map_may_ask; });
  if (!asked && !view.config.rules->rules().empty()) {
    auto finding = make_finding("not-asked", "danegate has rules, and no restriction list of Postfix has a "
                                             "check_policy_service for its socket; see conf/postfix-monitor.cf");
    finding.place.file = view.main_cf();
    found.push_back(std::move(finding));
    return found;
  }
  for (const auto& service : view.config.rules->services())
    find_unasked_service(view, service, found);
  return found;
}

} // namespace danegate::ctl
