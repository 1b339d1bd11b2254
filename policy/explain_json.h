// Parts of an explanation as JSON, for whoever shows a decision without a request.
#pragma once

#include "daemon/core/decision.h"

#include <nlohmann/json_fwd.hpp>

namespace danegate::policy {

/// Keys: result, reason, detail, action, rule, mode, identity, owner, dnssec.
nlohmann::ordered_json outcome_as_json(const core::Decision& decision, const core::Outcome& outcome);

/// One object for each name that was tried: what DNS said of it, and what became of the records.
nlohmann::ordered_json names_as_json(const core::Decision& decision);

} // namespace danegate::policy
