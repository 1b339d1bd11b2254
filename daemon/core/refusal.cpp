#include "daemon/core/refusal.h"

#include <algorithm>

namespace danegate::core {

namespace {

constexpr std::string_view default_reject_text = "This client is not accepted as a source of this mail";
constexpr std::string_view default_defer_text = "This mail cannot be accepted at the moment, try again later";

std::string printable(std::string_view text) {
  std::string clean{text};
  std::ranges::replace_if(
      clean, [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

std::string with_reference(std::string_view text, std::string_view ref, std::size_t max_octets) {
  const std::string tail = " [ref " + printable(ref.substr(0, 32)) + "]";
  return printable(text.substr(0, max_octets - tail.size())) + tail;
}

} // namespace

std::string Refusal::text() const {
  return std::string(code).append(" ").append(enhanced).append(" ").append(words);
}

Refusal refusal_of(const Outcome& outcome, std::string_view ref) {
  const bool rejects = outcome.action == Action::reject;
  const std::string_view codes = rejects ? reject_code : info(outcome.reason).defer_code; // "550 5.7.1"
  const std::size_t space = codes.find(' ');
  const bool given = outcome.rule != nullptr && !outcome.rule->text.empty();
  const std::string_view otherwise = rejects ? default_reject_text : default_defer_text;
  return {
      codes.substr(0, space), codes.substr(space + 1),
      with_reference(given ? std::string_view(outcome.rule->text) : otherwise, ref, max_refusal - codes.size() - 1)};
}

std::string hold_text(std::string_view ref) {
  return with_reference("held by danegate", ref, max_refusal);
}

} // namespace danegate::core
