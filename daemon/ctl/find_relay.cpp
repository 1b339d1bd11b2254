#include "daemon/ctl/postfix_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace danegate::ctl {

namespace {

constexpr std::string_view relay_list = "smtpd_relay_restrictions";
constexpr std::string_view recipient_list = "smtpd_recipient_restrictions";
constexpr std::uint16_t mx_port = 25;

/// One check that a rule's OK may come from.
struct Use {
  const SmtpdView* smtpd;
  const Ask* ask;
};

std::vector<Use> uses_for(const PostfixView& view, const core::Rule& rule) {
  std::vector<Use> uses;
  for (const auto& smtpd : view.smtpd)
    for (const auto& ask : smtpd.asks)
      if (ask.reached && ask.judge && is_for(rule, ask.judge)) uses.push_back({&smtpd, &ask});
  return uses;
}

Restrictions without(Restrictions list, std::size_t position) {
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(position));
  return list;
}

/// In the relay list, before what refuses relay: where an OK counts.
std::vector<Fix> let_it_grant(const PostfixView& view, const Use& use) {
  const auto check = use.smtpd->list(use.ask->list)[use.ask->position];
  auto relay = use.smtpd->list(relay_list);
  if (use.ask->list == relay_list) relay = without(relay, use.ask->position);
  relay.insert(std::ranges::find_if(relay, &Restriction::refuses_relay), check);
  const auto& service = *use.smtpd->service;
  // Where the check's own list belongs to the entry of master.cf, so does the permission.
  return {set_parameter(view, service, relay_list, join(relay), service.overrides.contains(check.holder))};
}

/// Behind what refuses relay, in the list that grants nothing.
std::vector<Fix> let_it_not_grant(const PostfixView& view, const Use& use) {
  const auto check = use.smtpd->list(use.ask->list)[use.ask->position];
  const auto& service = *use.smtpd->service;
  std::vector<Fix> fixes;
  auto recipients = use.smtpd->list(recipient_list);
  if (use.ask->list == relay_list)
    fixes.push_back(
        set_parameter(view, service, relay_list, join(without(use.smtpd->list(relay_list), use.ask->position))));
  else
    recipients = without(recipients, use.ask->position);
  const auto refusing = std::ranges::find_if(recipients, &Restriction::refuses_relay);
  std::string text = join({recipients.begin(), refusing});
  if (refusing == recipients.end())
    text += std::string(text.empty() ? "permit_mynetworks, permit_sasl_authenticated, " : ", ") +
            "reject_unauth_destination";
  else
    text += (text.empty() ? "" : ", ") + refusing->text();
  text += ", " + check.text();
  if (refusing != recipients.end() && refusing + 1 != recipients.end())
    text += ", " + join({refusing + 1, recipients.end()});
  fixes.push_back(set_parameter(view, service, recipient_list, text));
  return fixes;
}

bool unclear(const PostfixView& view) {
  return view.setup.left_out > 0 || std::ranges::any_of(view.smtpd, [](const SmtpdView& smtpd) {
           return smtpd.map_may_ask || std::ranges::any_of(smtpd.asks, [](const Ask& ask) {
                    return !ask.judge && !ask.no_service; // who knows for whom
                  });
         });
}

/// Submission and the like first: there a permission is meant.
const Use& most_likely_meant(const std::vector<Use>& uses) {
  const auto elsewhere =
      std::ranges::find_if(uses, [](const Use& use) { return use.smtpd->service->port() != mx_port; });
  return elsewhere == uses.end() ? uses.front() : *elsewhere;
}

void find_without_effect(const PostfixView& view, const core::Rule& rule, const config::Place& place,
                         const std::vector<Use>& uses, std::vector<Finding>& found) {
  if (uses.empty() || unclear(view) ||
      std::ranges::any_of(uses, [](const Use& use) { return grants_relay(*use.smtpd, *use.ask); }))
    return;
  const auto& use = most_likely_meant(uses);
  auto finding = make_finding(
      "permit-no-relay",
      fmt::format("rule \"{}\" ({}) permits, and from here Postfix never grants relay: {}", rule.name, place.text(),
                  use.ask->list == relay_list
                      ? "mail for other domains has been refused before the check"
                      : "an OK counts in smtpd_relay_restrictions only, and these refuse before"));
  finding = parameter_finding(view, *use.smtpd->service, use.smtpd->list(use.ask->list)[use.ask->position].holder,
                              std::move(finding));
  finding.fixes = let_it_grant(view, use);
  found.push_back(std::move(finding));
}

void find_on_mx(const PostfixView& view, const core::Rule& rule, const config::Place& place,
                const std::vector<Use>& uses, std::vector<Finding>& found) {
  for (const auto& use : uses) {
    if (use.smtpd->service->port() != mx_port || !grants_relay(*use.smtpd, *use.ask)) continue;
    const bool named = !rule.services.empty();
    auto finding = make_finding(
        "permit-on-mx",
        fmt::format("rule \"{}\" ({}) permits{}, and on port 25 danegate is asked before mail for other domains is "
                    "refused: who satisfies the rule relays to the world",
                    rule.name, place.text(), named ? "" : " in every service"));
    finding = parameter_finding(view, *use.smtpd->service, use.smtpd->list(use.ask->list)[use.ask->position].holder,
                                std::move(finding));
    if (named) finding.severity = Severity::note; // the rule says so itself
    finding.fixes = let_it_not_grant(view, use);
    found.push_back(std::move(finding));
  }
}

void find_permitting_default(const PostfixView& view, const SmtpdView& smtpd, std::vector<Finding>& found) {
  for (const auto& ask : smtpd.asks) {
    const auto action = policy_option(smtpd, ask, "default_action");
    if (!ask.reached || !is_permitting_action(action) || !grants_relay(smtpd, ask)) continue;
    auto finding = make_finding(
        "default-permits",
        fmt::format("default_action={} in {}, before mail for other domains is refused: while danegate is down, "
                    "anybody may relay",
                    action, ask.list));
    finding = parameter_finding(view, *smtpd.service, smtpd.list(ask.list)[ask.position].holder, std::move(finding));
    auto by = ask.endpoint;
    by.options["default_action"] = "451 4.3.5 Server configuration problem";
    finding.fixes.push_back(replace_endpoint(view, smtpd, ask, by));
    found.push_back(std::move(finding));
  }
}

} // namespace

bool grants_relay(const SmtpdView& smtpd, const Ask& ask) {
  // postconf(5): a relay list that is empty, or refuses nobody, leaves it to the recipient list.
  const bool counts =
      ask.list == relay_list ||
      (ask.list == recipient_list && std::ranges::none_of(smtpd.list(relay_list), &Restriction::refuses_relay));
  const auto& list = smtpd.list(ask.list);
  const auto end = list.begin() + static_cast<std::ptrdiff_t>(ask.position);
  return counts && std::none_of(list.begin(), end, [](const Restriction& each) { return each.refuses_relay(); });
}

std::vector<Finding> find_relay(const PostfixView& view) {
  std::vector<Finding> found;
  const auto rules = view.config.rules->rules();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].on_pass != core::Action::permit) continue;
    const auto uses = uses_for(view, rules[i]);
    find_without_effect(view, rules[i], view.config.rule_places[i], uses, found);
    find_on_mx(view, rules[i], view.config.rule_places[i], uses, found);
  }
  for (const auto& smtpd : view.smtpd)
    find_permitting_default(view, smtpd, found);
  return found;
}

} // namespace danegate::ctl
