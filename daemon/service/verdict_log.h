// The verdict line: one for the outcome that decided, and one more for each rule in monitor mode (mode=monitor, action
// = what would have happened) and for each further rule with `from`, all under the same reference.
#pragma once

#include "daemon/core/decision.h"
#include "daemon/service/log.h"
#include "daemon/service/verdict_counts.h"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace danegate::service {

/// Eight characters of Crockford's base 32, random: what a refused peer quotes and the postmaster greps for.
std::string make_reference();

struct VerdictContext {
  std::string_view ref;
  std::string_view queue;    ///< queue id, empty where there is none yet
  std::string_view instance; ///< Postfix's message identity
  std::string_view state;    ///< protocol_state
  std::string_view client;   ///< address
  std::string_view helo;
  std::string_view sender; ///< as sent
  std::chrono::microseconds elapsed{0};
};

/// Appends the encoded line for one outcome of the decision. Keys, in order: time level event=verdict ref queue
/// instance state service rule mode action result reason identity owner dnssec record ttl client helo sender lookups
/// cached ms; then grace=yes where the last secure answer served (`dns.grace`), and detail where there is one. Empty
/// values stand as `key=`. Peer text is escaped and cut.
void append_verdict_line(std::string& out, const core::Decision& decision, const core::Outcome& outcome,
                         const VerdictContext& context, bool json);

inline std::string verdict_line(const core::Decision& decision, const core::Outcome& outcome,
                                const VerdictContext& context, bool json) {
  std::string line;
  append_verdict_line(line, decision, outcome, context, json);
  return line;
}

/// Writes the lines of a whole decision.
void log_decision(Log& log, const core::Decision& decision, const VerdictContext& context);

/// The same, and counts what they say, whatever the log's level. `counts` may be null.
void record_decision(Log& log, VerdictCounts* counts, const core::Decision& decision, const VerdictContext& context);

} // namespace danegate::service
