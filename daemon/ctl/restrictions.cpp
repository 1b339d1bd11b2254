#include "daemon/ctl/restrictions.h"

#include "daemon/core/dns_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace danegate::ctl {

namespace {

constexpr std::string_view separators = ", \t\r\n";
constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

/// Without the braces around it, if both are there.
std::string_view unbraced(std::string_view text) {
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return trimmed(text);
  return trimmed(text.substr(1, text.size() - 2));
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

bool takes_argument(std::string_view word) {
  constexpr std::array words{"check_policy_service",        "reject_rbl_client",
                             "reject_rhsbl_client",         "reject_rhsbl_helo",
                             "reject_rhsbl_sender",         "reject_rhsbl_recipient",
                             "reject_rhsbl_reverse_client", "permit_dnswl_client",
                             "permit_rhswl_client",         "sleep"};
  const auto name = lower(word);
  return (name.starts_with("check_") && name.ends_with("_access")) || std::ranges::find(words, name) != words.end();
}

class Unfolding {
public:
  explicit Unfolding(const ParameterValue& value_of)
      : value_of_(value_of), classes_(split_list(value_of("smtpd_restriction_classes"))) {}

  void add(std::string_view parameter, std::size_t depth) {
    const auto words = split_list(value_of_(parameter));
    bool warn_only = false;
    for (std::size_t i = 0; i < words.size() && seen_ < max_restrictions; ++i) {
      if (core::ascii_iequals(words[i], "warn_if_reject")) {
        warn_only = true;
        continue;
      }
      ++seen_; // classes, too: those that hold nothing would be opened by each other without end
      const auto before = result.size();
      if (depth < max_class_depth && std::ranges::find(classes_, words[i]) != classes_.end()) {
        add(words[i], depth + 1);
      } else {
        result.push_back({words[i], {}, std::string(parameter), false});
        if (takes_argument(words[i]) && i + 1 < words.size()) result.back().argument = words[++i];
      }
      if (warn_only)
        for (auto j = before; j < result.size(); ++j)
          result[j].warn_only = true;
      warn_only = false;
    }
  }

  Restrictions result;

private:
  const ParameterValue& value_of_;
  std::vector<std::string> classes_;
  std::size_t seen_ = 0; ///< restrictions, and classes as often as they were opened
};

} // namespace

std::string Restriction::text() const {
  return (warn_only ? "warn_if_reject " : "") + (argument.empty() ? name : name + ' ' + argument);
}

bool Restriction::is(std::string_view word) const noexcept {
  return core::ascii_iequals(name, word);
}

bool Restriction::is_map() const noexcept {
  // A bare "type:table" is a map of the list's own kind.
  return (!argument.empty() && name.size() > 7 && core::ascii_iequals(name.substr(name.size() - 7), "_access")) ||
         (argument.empty() && contains(name, ":"));
}

bool Restriction::is_unconditional() const noexcept {
  return is("permit") || (!warn_only && (is("reject") || is("defer")));
}

bool Restriction::refuses_relay() const noexcept {
  return !warn_only && (is("reject_unauth_destination") || is("defer_unauth_destination") || is("reject") ||
                        is("defer") || is("defer_if_permit"));
}

bool Restriction::is_about_recipients() const noexcept {
  return contains(lower(name), "recipient") || contains(lower(name), "destination") || is("permit_mx_backup") ||
         is("reject_multi_recipient_bounce");
}

std::vector<std::string> split_list(std::string_view value) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (words.size() < max_restrictions) {
    at = std::min(value.find_first_not_of(separators, at), value.size());
    if (at == value.size()) break;
    const auto start = at;
    std::size_t depth = 0;
    for (; at < value.size() && (depth > 0 || !contains(separators, value.substr(at, 1))); ++at) {
      if (value[at] == '{') ++depth;
      if (value[at] == '}' && depth > 0) --depth;
    }
    words.emplace_back(value.substr(start, at - start));
  }
  return words;
}

Restrictions unfold(std::string_view parameter, const ParameterValue& value_of) {
  Unfolding unfolding(value_of);
  unfolding.add(parameter, 0);
  return std::move(unfolding.result);
}

std::string join(const Restrictions& list) {
  std::string text;
  for (const auto& each : list)
    text += (text.empty() ? "" : ", ") + each.text();
  return text;
}

Endpoint Endpoint::parse(std::string_view text) {
  Endpoint endpoint;
  for (const auto& word : split_list(unbraced(text))) {
    if (endpoint.address.empty()) {
      endpoint.address = word;
      continue;
    }
    const auto option = unbraced(word);
    const auto equals = option.find('=');
    if (equals == std::string_view::npos) continue;
    endpoint.options.insert_or_assign(std::string(trimmed(option.substr(0, equals))),
                                      std::string(trimmed(option.substr(equals + 1))));
  }
  return endpoint;
}

std::string Endpoint::text() const {
  std::string text = "{ " + address;
  for (const auto& [name, value] : options) {
    const bool plain = value.find_first_of(separators) == std::string::npos;
    text += plain ? fmt::format(", {}={}", name, value) : fmt::format(", {{ {} = {} }}", name, value);
  }
  return text + " }";
}

} // namespace danegate::ctl
