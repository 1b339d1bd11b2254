// What readers that are more lenient than the RFCs might make of a header field: several readings of one text, to be
// searched for a word or a domain.
//
// They serve where a field cannot be parsed and it matters whether somebody else would find a certain text in it. Each
// reading leaves something out that may have been put there to part the text: comments (taken out as RFC 5322 has them,
// or every innermost pair of parentheses, or left in), quotes, backslashes, control characters, folding, what has no
// width in Unicode, and white space (left in, or all of it taken out). A search that finds the text in any reading
// answers "may contain": in doubt yes. Fullwidth letters and the like are undone by IDNA's mapping.
//
// Time and memory are linear in the text: at most 12 readings, and a bound on the calls into IDNA, which are dear.
#pragma once

#include "daemon/core/ports.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::milter {

/// Runs of domain-like text or single labels that are converted to A-labels, over all readings of one text.
inline constexpr std::size_t max_conversions = 1000;

struct Readings {
  std::vector<std::string> texts; ///< ASCII lower case, no two alike; the first is the text as it stands
  bool exhausted = false;         ///< some names were left unconverted for the bound's sake
  bool unconverted = false;       ///< some text with non-ASCII octets has no A-labels: another charset, or no name
};

/// With `to_ascii`, readings with non-ASCII octets are there a second time with A-labels: each maximal run of letters,
/// digits, hyphens, underscores, dots and non-ASCII is converted, as a whole or, failing that, label by label.
Readings lenient_readings(std::string_view text, core::ToAscii to_ascii);

/// The reading without comments (as RFC 5322 has them), quotes, backslashes, control characters and white space.
std::string outside_comments(std::string_view text);

} // namespace danegate::milter
