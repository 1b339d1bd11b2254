#include "daemon/core/auth_results_field.h"

#include <algorithm>
#include <optional>

namespace danegate::core {
namespace {

bool is_printable(char c) noexcept {
  return c >= ' ' && c <= '~';
}

/// RFC 2045 section 5.1: what a value may consist of unquoted.
bool is_token_character(char c) noexcept {
  constexpr std::string_view specials = "()<>@,;:\\\"/[]?=";
  return c > ' ' && c <= '~' && !specials.contains(c);
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_character);
}

/// A local part that may stand before "@" in a pvalue: a dot-atom (RFC 5322 section 3.2.3), and of those only what is a
/// token too, since not every reader of these fields knows the difference.
bool is_plain_local_part(std::string_view local) noexcept {
  return is_token(local) && !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
}

std::string quoted_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return out;
}

/// Of text that is the operator's: what is not printable is shown as "?", what is too long is cut.
std::string value_of(std::string_view text, std::size_t max_encoded) {
  std::string clean{text.substr(0, max_encoded)};
  std::ranges::replace_if(
      clean, [](char c) { return !is_printable(c); }, '?');
  if (is_token(clean)) return clean;
  std::string encoded = quoted_string(clean);
  while (encoded.size() > max_encoded) {
    clean.pop_back();
    encoded = quoted_string(clean);
  }
  return encoded;
}

std::optional<std::string> identity_value(std::string_view identity) {
  if (identity.empty() || !std::ranges::all_of(identity, is_printable)) return std::nullopt;
  const std::size_t at = identity.rfind('@');
  const bool plain = at == std::string_view::npos
                         ? is_token(identity)
                         : is_plain_local_part(identity.substr(0, at)) && is_token(identity.substr(at + 1));
  std::string encoded = plain ? std::string{identity} : quoted_string(identity);
  if (encoded.size() > max_identity) return std::nullopt;
  return encoded;
}

std::string_view dns_security(const Decision& decision, const Outcome& outcome) noexcept {
  const NameTrace* const name = decision.name_of(outcome);
  if (name == nullptr || !name->answer) return "na";

  struct Word {
    std::string_view operator()(const Secure&) const noexcept { return "yes"; }

    std::string_view operator()(const Absent&) const noexcept { return "yes"; }

    std::string_view operator()(const Insecure&) const noexcept { return "no"; }

    std::string_view operator()(const Bogus&) const noexcept { return "na"; }

    std::string_view operator()(const Failed&) const noexcept { return "na"; }
  };

  return std::visit(Word{}, name->answer->outcome);
}

} // namespace

std::string auth_results_value(const Decision& decision, const Outcome& outcome, std::string_view authserv_id) {
  std::string value = value_of(authserv_id, max_authserv_id);
  value.append("; ").append(auth_results_method).append("=").append(token(outcome.result()));
  value.append(" reason=").append(quoted_string(token(outcome.reason)));
  if (const auto identity = identity_value(authenticated_identity(decision, outcome))) {
    value.append(" policy.dane-id=").append(*identity);
  }
  if (outcome.rule != nullptr) value.append(" policy.dane-rule=").append(value_of(outcome.rule->name, max_rule_name));
  value.append(" dns.sec=").append(dns_security(decision, outcome));
  if (served_by_grace(decision, outcome)) value.append(" policy.dane-grace=yes");
  return value;
}

std::string auth_results_field(const Decision& decision, const Outcome& outcome, std::string_view authserv_id) {
  return std::string{auth_results_name}.append(": ").append(auth_results_value(decision, outcome, authserv_id));
}

} // namespace danegate::core
