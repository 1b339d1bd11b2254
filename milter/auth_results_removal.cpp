#include "daemon/core/auth_results_field.h"
#include "daemon/core/dns_name.h"
#include "milter/auth_results.h"
#include "milter/field_cursor.h"
#include "milter/lenient_text.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace danegate::milter {
namespace {

/// An authserv-id for comparison: white space and trailing dots off.
std::string canonical_id(std::string_view id) {
  std::string text;
  std::ranges::copy_if(id, std::back_inserter(text), [](char c) { return !is_white_space(c); });
  while (text.ends_with('.'))
    text.pop_back();
  return core::ascii_lower(text);
}

bool is_ascii_token(std::string_view text) noexcept {
  static constexpr std::string_view specials = "()<>@,;:\\\"/[]?=";
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && !specials.contains(c); });
}

bool contains_id(std::string_view text, std::string_view ours, core::ToAscii to_ascii) {
  const auto name = core::DnsName::parse(ours, to_ascii);
  const Readings readings = lenient_readings(text, to_ascii);
  if (readings.exhausted) return true;
  return std::ranges::any_of(readings.texts, [&](const std::string& reading) {
    return reading.contains(ours) || (name && reading.contains(name->text()));
  });
}

bool is_ours(const AuthResults& field, std::string_view ours, core::ToAscii to_ascii) {
  const std::string theirs = canonical_id(field.authserv_id);
  if (theirs == ours) return true;
  const auto name = core::DnsName::parse(theirs, to_ascii);
  const auto our_name = core::DnsName::parse(ours, to_ascii);
  if (name) return our_name && *name == *our_name;
  return !is_ascii_token(field.authserv_id) && contains_id(field.authserv_id, ours, to_ascii);
}

bool may_speak_of_us(std::string_view value) {
  const Readings readings = lenient_readings(value, nullptr);
  return std::ranges::any_of(readings.texts,
                             [](const std::string& text) { return text.contains(core::auth_results_method); });
}

bool speaks_of_us(const AuthResults& field) {
  return std::ranges::any_of(field.methods, [](const AuthResults::Method& method) {
    return core::ascii_iequals(method.name, core::auth_results_method);
  });
}

/// "x-dane-client=" or "x-dane-client/1=", wherever it stands outside comments.
bool contains_claim(std::string_view value) {
  const std::string text = outside_comments(value);
  std::string_view rest = text;
  for (auto at = rest.find(core::auth_results_method); at != std::string_view::npos;
       at = rest.find(core::auth_results_method)) {
    rest.remove_prefix(at + core::auth_results_method.size());
    std::string_view behind = rest;
    if (behind.starts_with('/'))
      behind.remove_prefix(std::min(behind.find_first_not_of("0123456789", 1), behind.size()));
    if (behind.starts_with('=')) return true;
  }
  return false;
}

} // namespace

bool is_to_be_removed(std::string_view value, std::string_view authserv_id, Removal policy, core::ToAscii to_ascii) {
  const std::string ours = canonical_id(authserv_id);
  const bool all = policy == Removal::all && !ours.empty();
  const auto field = parse_auth_results(value);
  if (!field) return may_speak_of_us(value) || (all && contains_id(value, ours, to_ascii));
  if (ours.empty() || !is_ours(*field, ours, to_ascii)) return false;
  return all || speaks_of_us(*field) || contains_claim(value);
}

} // namespace danegate::milter
