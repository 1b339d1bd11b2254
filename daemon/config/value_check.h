// One value against one row of the schema.
#pragma once

#include "daemon/config/section.h"

#include <optional>

namespace danegate::config {

/// The value in its type, marked as set; nullopt after a report of what was expected.
std::optional<Value> check_value(const Setting& setting, const Node& node, Diagnostics& diagnostics);

/// "100ms to 1m", in the units of the setting's type.
std::string bounds_text(const Setting& setting);

} // namespace danegate::config
