#include "daemon/core/tlsa_answer.h"

#include "daemon/core/overloaded.h"

namespace danegate::core {

namespace {

/// Positions where labels begin. A "\." in presentation form is part of its label.
std::vector<std::size_t> label_starts(std::string_view owner) {
  std::vector<std::size_t> starts;
  if (owner.empty() || owner == ".") return starts;
  starts.push_back(0);
  for (std::size_t i = 0; i < owner.size(); ++i) {
    if (owner[i] == '\\')
      ++i;
    else if (owner[i] == '.' && i + 1 < owner.size())
      starts.push_back(i + 1);
  }
  return starts;
}

} // namespace

Wildcard classify_wildcard(std::string_view owner, std::size_t rrsig_labels) noexcept try {
  auto starts = label_starts(owner);
  if (!starts.empty() && owner.starts_with("*.")) starts.erase(starts.begin());
  if (rrsig_labels >= starts.size()) return Wildcard::none;
  if (rrsig_labels == 0) return Wildcard::other; // a wildcard directly below the root
  const auto encloser = starts[starts.size() - rrsig_labels];
  return owner[encloser] == '_' ? Wildcard::below_underscore : Wildcard::other;

} catch (...) { // out of memory: the strict answer

  return Wildcard::other;
}

bool is_definite(const TlsaAnswer& answer) noexcept {
  return !std::holds_alternative<Bogus>(answer.outcome) && !std::holds_alternative<Failed>(answer.outcome);
}

bool is_unreachable(const TlsaAnswer& answer) noexcept {
  const auto* failed = std::get_if<Failed>(&answer.outcome);
  return failed && failed->kind != FailureKind::overload;
}

bool is_overload(const TlsaAnswer& answer) noexcept {
  const auto* failed = std::get_if<Failed>(&answer.outcome);
  return failed && failed->kind == FailureKind::overload;
}

std::string_view why(const TlsaAnswer& answer) noexcept {
  if (const auto* const failed = std::get_if<Failed>(&answer.outcome)) return failed->why;
  if (const auto* const bogus = std::get_if<Bogus>(&answer.outcome)) return bogus->why;
  return {};
}

std::string_view state_of(const TlsaAnswer& answer) noexcept {
  return std::visit(Overloaded{
                        [](const Secure&) { return std::string_view("secure"); },
                        [](const Absent&) { return std::string_view("absent"); },
                        [](const Insecure&) { return std::string_view("insecure"); },
                        [](const Bogus&) { return std::string_view("bogus"); },
                        [](const Failed&) { return std::string_view("failed"); },
                    },
                    answer.outcome);
}

} // namespace danegate::core
