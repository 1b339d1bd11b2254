#include "daemon/core/decision.h"

namespace danegate::core {

Action effective_action(const Outcome& outcome) noexcept {
  return outcome.mode == Mode::monitor ? Action::tag : outcome.action;
}

bool served_by_grace(const Decision& decision, const Outcome& outcome) noexcept {
  const auto* const name = decision.name_of(outcome);
  return name && name->grace;
}

std::string authenticated_identity(const Decision& decision, const Outcome& outcome) {
  if (outcome.several) return {};
  if (outcome.result() != Result::pass && outcome.result() != Result::policy) return {};
  const auto* const name = decision.name_of(outcome);
  return name && name->name ? name->name->identity.text() : std::string();
}

} // namespace danegate::core
