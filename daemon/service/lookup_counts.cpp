#include "daemon/service/lookup_counts.h"

#include "daemon/core/overloaded.h"

#include <chrono>
#include <utility>
#include <variant>

namespace danegate::service {

namespace {

LookupOutcome outcome_of(core::FailureKind kind) noexcept {
  switch (kind) {
  case core::FailureKind::timeout: return LookupOutcome::timeout;
  case core::FailureKind::server_failure: return LookupOutcome::failure;
  case core::FailureKind::overload: return LookupOutcome::overload;
  }
  return LookupOutcome::failure;
}

} // namespace

LookupOutcome outcome_of(const core::TlsaAnswer& answer) noexcept {
  return std::visit(core::Overloaded{
                        [](const core::Secure&) { return LookupOutcome::secure; },
                        [](const core::Absent&) { return LookupOutcome::absent; },
                        [](const core::Insecure&) { return LookupOutcome::insecure; },
                        [](const core::Bogus&) { return LookupOutcome::bogus; },
                        [](const core::Failed& failed) { return outcome_of(failed.kind); },
                    },
                    answer.outcome);
}

dns::AnswerHandler timed(std::shared_ptr<LookupCounts> counts, dns::AnswerHandler handler) {
  using Clock = std::chrono::steady_clock;
  return
      [counts = std::move(counts), handler = std::move(handler), begun = Clock::now()](core::AnswerPtr answer) mutable {
        counts->note(outcome_of(*answer));
        counts->durations.note(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun));
        handler(std::move(answer));
      };
}

} // namespace danegate::service
