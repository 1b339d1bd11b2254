// How many verdicts there were since the start, by result and by what was done. Thread-safe: libmilter's workers count,
// too.
#pragma once

#include "daemon/core/decision.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace danegate::service {

class VerdictTotals {
public:
  /// In the order of their enumerations.
  static constexpr std::array results{core::Result::pass,   core::Result::temperror, core::Result::permerror,
                                      core::Result::policy, core::Result::fail,      core::Result::none};
  static constexpr std::array actions{core::Action::tag, core::Action::permit, core::Action::reject,
                                      core::Action::defer, core::Action::hold};

  /// Of the outcome that decided; what a rule in monitor mode would have done does not count.
  void note(const core::Decision& decision) noexcept {
    ++results_.at(static_cast<std::size_t>(decision.outcome.result()));
    ++actions_.at(static_cast<std::size_t>(core::effective_action(decision.outcome)));
  }

  std::uint64_t of(core::Result result) const noexcept { return results_.at(static_cast<std::size_t>(result)); }

  std::uint64_t of(core::Action action) const noexcept { return actions_.at(static_cast<std::size_t>(action)); }

private:
  std::array<std::atomic<std::uint64_t>, results.size()> results_{};
  std::array<std::atomic<std::uint64_t>, actions.size()> actions_{};
};

} // namespace danegate::service
