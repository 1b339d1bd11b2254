// What a verdict says, and every step that led to it.
#pragma once

#include "daemon/core/rules.h"
#include "daemon/core/tlsa_match.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::core {

/// One owner-name template and what became of it.
struct NameTrace {
  std::string_view from;             ///< the template's text (lives as long as the rule set)
  std::optional<OwnerName> name;     ///< absent: the template yields no name
  std::string_view no_name;          ///< then, why
  bool duplicate = false;            ///< an earlier template made the same owner name
  bool listed = false;               ///< within the lookup list; only such names are looked up
  AnswerPtr answer;                  ///< null: not looked up, or not needed
  std::optional<MatchOutcome> match; ///< of a secure answer
  bool cached = false;               ///< the answer that counted came from the cache
  bool roster = false;               ///< not claimed: the roster knows the key under this name
  bool grace = false;                ///< the lookup failed, and the last secure answer serves (`dns.grace`)
  bool requeried = false;            ///< a cached answer would have led to a refusal and was asked for again
};

/// How one rule, or the service's default, judges the session.
struct Outcome {
  const Rule* rule = nullptr; ///< null: no rule held, the service's default
  Mode mode = Mode::enforce;
  Action action = Action::defer;
  Reason reason = Reason::overload;
  std::string detail;                ///< for the log and the operator, never for the peer
  std::optional<std::size_t> name;   ///< index into Decision::names of the name that decided
  std::optional<std::size_t> record; ///< index of the matched record in that name's answer
  /// More than one identity has this key and none was claimed: the detail has them, nobody is named.
  bool several = false;

  Result result() const noexcept { return result_of(reason); }
};

struct Decision {
  std::shared_ptr<const RuleSet> rules; ///< keeps what the pointers below point into
  const Service* service = nullptr;
  Outcome outcome;                ///< decides; its mode is enforce unless the service monitors
  std::vector<Outcome> monitored; ///< rules in monitor mode: what would have happened
  std::vector<Outcome> others;    ///< further rules with `from` that are enforced, and less strict
  std::vector<NameTrace> names;
  unsigned lookups = 0; ///< answers that did not come from the cache
  unsigned cached = 0;

  /// The name that decided this outcome; null if none did.
  const NameTrace* name_of(const Outcome& o) const noexcept { return o.name ? &names[*o.name] : nullptr; }
};

/// What is done. A service in monitor mode neither refuses nor permits.
Action effective_action(const Outcome& outcome) noexcept;

/// True if the mail goes on: tag, permit, and hold, which is accepted into the mail server's quarantine.
constexpr bool lets_through(Action action) noexcept {
  return action != Action::reject && action != Action::defer;
}

/// True if `a` is worse than `b` in a header that stands for both: anything is worse than a pass, then doubt first.
constexpr bool is_worse(Reason a, Reason b) noexcept {
  const bool a_passes = result_of(a) == Result::pass;
  const bool b_passes = result_of(b) == Result::pass;
  if (a_passes || b_passes) return !a_passes && b_passes;
  return takes_precedence(a, b);
}

/// The answer that decided this outcome serves by `dns.grace` only.
bool served_by_grace(const Decision& decision, const Outcome& outcome) noexcept;

/// Identity of a pass or policy outcome; empty otherwise: nothing unauthenticated is named (RFC 8601 section 4).
std::string authenticated_identity(const Decision& decision, const Outcome& outcome);

} // namespace danegate::core
