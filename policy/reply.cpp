#include "policy/reply.h"

#include "daemon/core/refusal.h"

#include <algorithm>

namespace danegate::policy {
namespace {

bool is_printable(char c) noexcept {
  return c >= ' ' && c <= '~';
}

std::string line(std::string_view action) {
  std::string reply;
  reply.reserve(action.size() + 9);
  reply.append("action=").append(action).append("\n\n");
  return reply;
}

} // namespace

std::string verdict_reply(const core::Outcome& outcome, std::string_view ref) {
  switch (core::effective_action(outcome)) {
  case core::Action::tag: return dunno_reply();
  case core::Action::permit: return line("OK");
  case core::Action::hold: return line(std::string("HOLD ").append(core::hold_text(ref)));
  case core::Action::reject:
  case core::Action::defer: break;
  }
  return line(core::refusal_of(outcome, ref).text()); // whatever is not an Action is never let through
}

std::string dunno_reply() {
  return line("DUNNO");
}

std::string prepend_reply(std::string_view field) {
  const bool plain = !field.empty() && field.size() <= max_field && std::ranges::all_of(field, is_printable);
  return plain ? line(std::string("PREPEND ").append(field)) : dunno_reply();
}

} // namespace danegate::policy
