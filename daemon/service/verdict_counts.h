// How often each service and rule came to which outcome, and how long verdicts took: counted where their lines are
// written (verdict_log.h), so log and metrics agree.
//
// A series is what has the same service, rule, mode, action and reason. It comes into being with its first verdict, so
// ten thousand rules that nobody meets cost nothing; names are the configuration's and the rest are enums, so no peer
// can make one. Series stay for the life of the daemon, those of rules that a reload has removed as well: a sum never
// goes backwards. Only past max_pairs of (service, rule) does a reload drop those that it does not know any more.
//
// Thread-safe: libmilter's workers count, too. The lock is held for one look-up in a hash table.
#pragma once

#include "daemon/core/decision.h"
#include "daemon/service/duration_histogram.h"
#include "daemon/service/verdict_totals.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace danegate::service {

class VerdictCounts {
public:
  static constexpr std::size_t max_pairs = 30000; ///< a configuration may have more of its own

  struct Names {
    std::string service; ///< empty: none
    std::string rule;    ///< empty: none held, the service's default
  };

  struct Series {
    std::shared_ptr<const Names> names;
    core::Mode mode;
    core::Action action;
    core::Reason reason;
    std::uint64_t count;
  };

  struct Snapshot {
    std::vector<Series> series;
    DurationHistogram durations; ///< one per decision, whatever number of rules it judged by
  };

  /// Every outcome of one decision.
  void note(const core::Decision& decision, std::chrono::microseconds took);

  /// On reload.
  void tidy(const core::RuleSet& rules);

  Snapshot snapshot() const;

  /// Decisions, whatever the rules in monitor mode said.
  const VerdictTotals& totals() const noexcept { return totals_; }

private:
  using NamesView = std::pair<std::string_view, std::string_view>;

  struct Hash {
    using is_transparent = void;

    std::size_t operator()(const NamesView& names) const noexcept;

    std::size_t operator()(const std::shared_ptr<const Names>& names) const noexcept { return (*this)(view(*names)); }
  };

  struct Equal {
    using is_transparent = void;

    static NamesView as_view(const NamesView& names) noexcept { return names; }

    static NamesView as_view(const std::shared_ptr<const Names>& names) noexcept { return view(*names); }

    bool operator()(const auto& a, const auto& b) const noexcept { return as_view(a) == as_view(b); }
  };

  static NamesView view(const Names& names) noexcept { return {names.service, names.rule}; }

  struct Cell {
    core::Mode mode;
    core::Action action;
    core::Reason reason;
    std::uint64_t count;
  };

  /// Few to a pair, so they are looked through.
  using Cells = std::vector<Cell>;

  void count(const core::Decision& decision, const core::Outcome& outcome);

  mutable std::mutex mutex_;
  std::unordered_map<std::shared_ptr<const Names>, Cells, Hash, Equal> pairs_;
  DurationHistogram durations_;
  VerdictTotals totals_;
};

} // namespace danegate::service
