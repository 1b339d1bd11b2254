// What is legal in a set of rules and most likely not meant. Warnings only: load_parts.h has what is wrong.
#pragma once

#include "daemon/config/load_parts.h"

namespace danegate::config {

/// Warns, at the rule or the setting, of
/// - a rule that can never be reached: in each of its services that enforces, some earlier enforcing rule holds
/// whenever
///   it does (each condition list of the earlier one is absent or covers the later one's);
/// - `on-temperror` that lets pass what `on-fail` refuses;
/// - a rule that decides on an authentication which cannot happen, because nothing is on its services' lookup lists;
/// - a list file without a single identity.
void warn_of_rules(const std::vector<LoadedService>& services, const std::vector<LoadedRule>& rules,
                   const LookupDomains& lookup, Diagnostics& diagnostics);

} // namespace danegate::config
