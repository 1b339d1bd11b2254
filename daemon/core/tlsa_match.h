// Judges the records of a secure answer against the evidence: usability, digest agility, match (RFC 7671, RFC 7672).
#pragma once

#include "daemon/core/evidence.h"
#include "daemon/core/tlsa_answer.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace danegate::core {

enum class RecordVerdict : std::uint8_t { matches, differs, unusable };

struct RecordJudgement {
  RecordVerdict verdict;
  std::string_view why; ///< static text; empty if it matches
};

enum class MatchVerdict : std::uint8_t { match, mismatch, unusable };

struct MatchOutcome {
  MatchVerdict verdict;
  std::optional<std::size_t> matched;   ///< index of the record that matched
  std::string_view why;                 ///< of an unusable outcome: why the first record is not usable
  std::vector<RecordJudgement> records; ///< one per record of the answer, in its order
};

/// `reference` is the owner name that was looked up, the name that usage 1 demands among the certificate's dNSNames
/// (draft-ietf-dance-client-auth-13 section 5); aliases do not change it (RFC 7672 section 2.2.3). The same name
/// without its leading service label counts as well, since no CA issues names with underscores.
///
/// Steps (RFC 6698 section 4.1, RFC 7671 sections 8 and 9): malformed and unsupported records are dropped, where
/// "supported" depends on what the evidence can be compared with; then per usage and selector the strongest supported
/// digest and full data stay; any survivor that matches is a match. No survivor: unusable, never a mismatch.
MatchOutcome match(const Secure& answer, const Evidence& evidence, const DnsName& reference, HashFunction hash);

} // namespace danegate::core
