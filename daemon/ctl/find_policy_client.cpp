#include "daemon/ctl/postfix_findings.h"

#include "daemon/core/dns_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace danegate::ctl {

namespace {

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find_first_of(" \t"));
}

std::optional<unsigned> number_of(std::string_view text) {
  unsigned number = 0;
  const auto* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

/// Found where the option is: in the check itself, or in its parameter.
Finding option_finding(const PostfixView& view, const SmtpdView& smtpd, const Ask& ask, std::string_view option,
                       Finding finding) {
  const auto& holder = smtpd.list(ask.list)[ask.position].holder;
  const auto parameter =
      ask.endpoint.options.contains(option) ? holder : fmt::format("smtpd_policy_service_{}", option);
  return parameter_finding(view, *smtpd.service, parameter, std::move(finding));
}

/// The check with this option, wherever that is said now.
Fix set_option(const PostfixView& view, const SmtpdView& smtpd, const Ask& ask, const std::string& option,
               const std::string& value) {
  auto by = ask.endpoint;
  by.options[option] = value;
  return replace_endpoint(view, smtpd, ask, by);
}

void find_timeout(const PostfixView& view, const SmtpdView& smtpd, const Ask& ask, std::vector<Finding>& found) {
  const auto text = policy_option(smtpd, ask, "timeout");
  const auto timeout = postfix_time(text);
  if (!timeout || *timeout > view.config.limits.deadline) return;
  auto finding = make_finding("policy-timeout",
                              fmt::format("Postfix waits {} for danegate, whose limits.deadline is {} ms: it gives up "
                                          "on answers that come in time",
                                          text, view.config.limits.deadline.count()));
  finding = option_finding(view, smtpd, ask, "timeout", std::move(finding));
  const auto good = good_endpoint(view, *smtpd.service, ask.judge);
  finding.fixes.push_back(set_option(view, smtpd, ask, "timeout", good.options.at("timeout")));
  found.push_back(std::move(finding));
}

void find_default(const PostfixView& view, const SmtpdView& smtpd, const Ask& ask, std::vector<Finding>& found) {
  const auto action = policy_option(smtpd, ask, "default_action");
  if (!is_lax_action(action) || !ask.judge || !some_rule_refuses(view.config, ask.judge)) return;
  if (is_permitting_action(action) && grants_relay(smtpd, ask)) return; // worse, and said elsewhere
  auto finding =
      make_finding("default-lax", fmt::format("default_action={} beside rules that refuse: while danegate is "
                                              "down, what they refuse goes through",
                                              first_word(action)));
  finding = option_finding(view, smtpd, ask, "default_action", std::move(finding));
  finding.fixes.push_back(set_option(view, smtpd, ask, "default_action", "451 4.3.5 Server configuration problem"));
  found.push_back(std::move(finding));
}

void find_idle(const PostfixView& view, const SmtpdView& smtpd, const Ask& ask, std::vector<Finding>& found) {
  const auto text = policy_option(smtpd, ask, "max_idle");
  const auto idle = postfix_time(text);
  if (!idle || *idle <= view.config.policy.idle_timeout) return;
  auto finding = make_finding("policy-idle", fmt::format("Postfix keeps an idle connection for {}, danegate closes it "
                                                         "after {} s (policy.idle-timeout): the next request costs a "
                                                         "second",
                                                         text, view.config.policy.idle_timeout.count()));
  finding = option_finding(view, smtpd, ask, "max_idle", std::move(finding));
  finding.fixes.push_back({view.file, "[policy]", fmt::format("idle-timeout = \"{}s\"", idle->count())});
  found.push_back(std::move(finding));
}

void find_limits(const PostfixView& view, const SmtpdView& smtpd, const Ask& ask, std::vector<Finding>& found) {
  constexpr unsigned few = 10;
  if (number_of(policy_option(smtpd, ask, "try_limit")) == 1U) {
    auto finding = make_finding("policy-try-limit", "Postfix tries once: when danegate was restarted, the next request "
                                                    "on a kept connection takes the default action");
    finding = option_finding(view, smtpd, ask, "try_limit", std::move(finding));
    finding.fixes.push_back(set_option(view, smtpd, ask, "try_limit", "2"));
    found.push_back(std::move(finding));
  }
  const auto requests = number_of(policy_option(smtpd, ask, "request_limit"));
  if (!requests || *requests == 0 || *requests >= few) return;
  auto finding = make_finding("policy-request-limit",
                              fmt::format("Postfix makes a new connection after {} request(s)", *requests));
  finding = option_finding(view, smtpd, ask, "request_limit", std::move(finding));
  finding.fixes.push_back(set_option(view, smtpd, ask, "request_limit", "0"));
  found.push_back(std::move(finding));
}

} // namespace

std::optional<std::chrono::seconds> postfix_time(std::string_view text) {
  constexpr std::chrono::seconds::rep minute = 60;
  constexpr auto hour = 60 * minute;
  constexpr auto day = 24 * hour;
  constexpr std::chrono::seconds::rep most = 10'000'000; // of any unit: no overflow
  std::chrono::seconds::rep number = 0;
  const auto* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc{} || number < 0 || number > most) return std::nullopt;
  if (parsed.ptr == end) return std::chrono::seconds(number);
  if (parsed.ptr + 1 != end) return std::nullopt;
  switch (*parsed.ptr) {
  case 's': return std::chrono::seconds(number);
  case 'm': return std::chrono::seconds(number * minute);
  case 'h': return std::chrono::seconds(number * hour);
  case 'd': return std::chrono::seconds(number * day);
  case 'w': return std::chrono::seconds(number * 7 * day);
  default: return std::nullopt;
  }
}

bool is_permitting_action(std::string_view action) {
  const auto word = first_word(action);
  if (word.empty()) return false;
  const bool digits = std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
  const bool reply_code = word.size() == 3 && (word.front() == '4' || word.front() == '5');
  if (digits) return !reply_code; // access(5): an all-numerical result is OK
  return core::ascii_iequals(word, "ok") || core::ascii_iequals(word, "relay") || core::ascii_iequals(word, "permit");
}

bool is_lax_action(std::string_view action) {
  const auto word = first_word(action);
  return is_permitting_action(action) || core::ascii_iequals(word, "dunno") || core::ascii_iequals(word, "warn") ||
         core::ascii_iequals(word, "info") || core::ascii_iequals(word, "prepend");
}

std::string_view policy_option(const SmtpdView& smtpd, const Ask& ask, std::string_view option) {
  if (const auto own = ask.endpoint.options.find(option); own != ask.endpoint.options.end()) return own->second;
  return smtpd.service->value(fmt::format("smtpd_policy_service_{}", option));
}

std::vector<Finding> find_policy_client(const PostfixView& view) {
  std::vector<Finding> found;
  for (const auto& smtpd : view.smtpd)
    for (const auto* const ask : smtpd.all_asks()) {
      if (!ask->reached) continue;
      find_timeout(view, smtpd, *ask, found);
      find_default(view, smtpd, *ask, found);
      find_idle(view, smtpd, *ask, found);
      find_limits(view, smtpd, *ask, found);
    }
  return found;
}

} // namespace danegate::ctl
