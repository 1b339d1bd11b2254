#include "daemon/core/dns_name.h"
#include "daemon/ctl/postfix_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace danegate::ctl {

namespace {

constexpr std::string_view data_list = "smtpd_data_restrictions";
constexpr std::string_view relay_list = "smtpd_relay_restrictions"; ///< about permission: DATA has none to give

/// Asked before DATA about what a rule may refuse; relay lists are about permission, and DATA grants none.
std::vector<const Ask*> asks_at_rcpt(const PostfixView& view, const SmtpdView& smtpd) {
  std::vector<const Ask*> asks;
  const bool has_milter = !smtpd.milters.empty();
  for (const auto& ask : smtpd.asks) {
    const bool at_rcpt = std::ranges::find(rcpt_lists, ask.list) != rcpt_lists.end();
    if (!at_rcpt || ask.list == relay_list || !ask.reached || !ask.judge) continue;
    if (some_rule_refuses(view.config, ask.judge) || view.config.policy.header_always ||
        (has_milter && some_rule_refuses(view.config, ask.judge, true)))
      asks.push_back(&ask);
  }
  return asks;
}

const Ask* ask_at_data(const SmtpdView& smtpd) {
  const auto found =
      std::ranges::find_if(smtpd.asks, [](const Ask& ask) { return ask.list == data_list && ask.reached; });
  return found == smtpd.asks.end() ? nullptr : &*found;
}

/// Lets some clients pass by without the check, whoever the recipient is.
bool exempts(const Restriction& each) {
  return each.name.size() > 6 && core::ascii_iequals(each.name.substr(0, 7), "permit_") && !each.is_about_recipients();
}

/// Nobody is authenticated where nobody can log in.
bool means_something(const config::PostfixService& service, const Restriction& each) {
  return !each.is("permit_sasl_authenticated") || core::ascii_iequals(service.value("smtpd_sasl_auth_enable"), "yes");
}

Restrictions before(const SmtpdView& smtpd, const Ask& ask, bool (*wanted)(const Restriction&)) {
  const auto& list = smtpd.list(ask.list);
  Restrictions result;
  std::copy_if(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(ask.position), std::back_inserter(result),
               wanted);
  return result;
}

bool has(const Restrictions& list, const Restriction& each) {
  return std::ranges::any_of(list, [&](const Restriction& other) { return other.text() == each.text(); });
}

/// In front of every one of the asks.
Restrictions common_before(const SmtpdView& smtpd, const std::vector<const Ask*>& asks,
                           bool (*wanted)(const Restriction&)) {
  auto common = before(smtpd, *asks.front(), wanted);
  for (const auto* const ask : asks) {
    const auto own = before(smtpd, *ask, wanted);
    std::erase_if(common, [&](const Restriction& each) { return !has(own, each); });
  }
  return common;
}

bool is_map_of_clients(const Restriction& each) {
  return each.is_map() && !each.is_about_recipients();
}

void note_map(const PostfixView& view, const SmtpdView& smtpd, std::string message, std::vector<Finding>& found) {
  found.push_back(parameter_finding(view, *smtpd.service, data_list, make_finding("map-decides", std::move(message))));
}

void find_nothing_at_data(const PostfixView& view, const SmtpdView& smtpd, const std::vector<const Ask*>& asks,
                          std::vector<Finding>& found) {
  auto finding = make_finding("data-not-asked",
                              fmt::format("danegate is asked in {} and not in {}: a message to a bare <postmaster> is "
                                          "never judged, and a milter has nothing to go by",
                                          asks.front()->list, data_list));
  finding = parameter_finding(view, *smtpd.service, data_list, std::move(finding));
  auto list = smtpd.list(data_list);
  for (const auto& each : common_before(smtpd, asks, exempts))
    if (!has(list, each)) list.push_back(each);
  list.push_back(smtpd.list(asks.front()->list)[asks.front()->position]);
  const bool own = smtpd.service->overrides.contains(list.back().holder);
  finding.fixes.push_back(set_parameter(view, *smtpd.service, data_list, join(list), own));
  found.push_back(std::move(finding));
}

void find_other_exemptions(const PostfixView& view, const SmtpdView& smtpd, const std::vector<const Ask*>& asks,
                           const Ask& at_data, std::vector<Finding>& found) {
  const auto there = before(smtpd, at_data, exempts);
  Restrictions missing;
  for (const auto& each : common_before(smtpd, asks, exempts))
    if (!has(there, each) && means_something(*smtpd.service, each)) missing.push_back(each);
  if (!missing.empty()) {
    auto finding = make_finding("data-exemptions",
                                fmt::format("{} {} before danegate's check in {} and not in {}: danegate judges these "
                                            "clients at DATA",
                                            join(missing), missing.size() == 1 ? "stands" : "stand", asks.front()->list,
                                            data_list));
    finding = parameter_finding(view, *smtpd.service, data_list, std::move(finding));
    const auto& list = smtpd.list(data_list);
    missing.insert(missing.end(), list.begin(), list.end());
    finding.fixes.push_back(set_parameter(view, *smtpd.service, data_list, join(missing)));
    found.push_back(std::move(finding));
  }
  const auto maps = before(smtpd, at_data, is_map_of_clients);
  for (const auto& each : common_before(smtpd, asks, is_map_of_clients))
    if (!has(maps, each))
      note_map(view, smtpd,
               fmt::format("{} stands before danegate's check in {} and not in {}; whom it permits, danegate judges at "
                           "DATA",
                           each.text(), asks.front()->list, data_list),
               found);
}

/// Only through a map: do both stages have the same ones?
void find_maps_that_differ(const PostfixView& view, const SmtpdView& smtpd, std::vector<Finding>& found) {
  const auto& data = smtpd.list(data_list);
  for (const auto& name : rcpt_lists)
    for (const auto& each : smtpd.list(name))
      if (name != relay_list && is_map_of_clients(each) && !has(data, each)) {
        note_map(view, smtpd,
                 fmt::format("if {} in {} names a class that asks danegate, it has to stand in {} as well", each.text(),
                             name, data_list),
                 found);
        return;
      }
}

} // namespace

std::vector<Finding> find_stages(const PostfixView& view) {
  std::vector<Finding> found;
  for (const auto& smtpd : view.smtpd) {
    const auto asks = asks_at_rcpt(view, smtpd);
    const auto* const at_data = ask_at_data(smtpd);
    if (asks.empty()) {
      if (smtpd.map_may_ask && smtpd.asks.empty() && some_rule_refuses(view.config, nullptr))
        find_maps_that_differ(view, smtpd, found);
    } else if (at_data) {
      find_other_exemptions(view, smtpd, asks, *at_data, found);
    } else if (!smtpd.map_may_ask && !smtpd.asks_at("smtpd_end_of_data_restrictions")) {
      find_nothing_at_data(view, smtpd, asks, found);
    }
  }
  return found;
}

} // namespace danegate::ctl
