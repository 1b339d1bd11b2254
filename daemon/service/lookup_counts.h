// What became of what was asked of DNS: by verdicts, for the roster, and of domains that are held off.
//
// Who asks a TlsaSource hands it a handler through timed(), which notes the outcome and the time until it came. A
// verdict that joins a lookup under way counts for itself, as in its log line. Loop's thread only; handlers hold the
// counts, so these outlive whoever asked.
#pragma once

#include "daemon/dns/tlsa_source.h"
#include "daemon/service/duration_histogram.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace danegate::service {

/// The outcomes of core::TlsaOutcome, failures by their kind.
enum class LookupOutcome : std::uint8_t { secure, absent, insecure, bogus, timeout, failure, overload };

inline constexpr std::array<std::string_view, 7> lookup_outcome_tokens{"secure",  "absent",  "insecure", "bogus",
                                                                       "timeout", "failure", "overload"};

LookupOutcome outcome_of(const core::TlsaAnswer& answer) noexcept;

struct LookupCounts {
  std::array<std::uint64_t, lookup_outcome_tokens.size()> outcomes{};
  DurationHistogram durations; ///< of those that were made: all but overload
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;

  void note(LookupOutcome outcome) noexcept { ++outcomes.at(static_cast<std::size_t>(outcome)); }
};

/// A handler that counts, and then does what `handler` does.
dns::AnswerHandler timed(std::shared_ptr<LookupCounts> counts, dns::AnswerHandler handler);

} // namespace danegate::service
