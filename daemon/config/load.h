// From files to a validated Config.
//
// Pure but for reading files: what it wants to know of this host comes in as Environment. Called at start, on reload
// and by `danegate check`; a failed load leaves nothing behind.
#pragma once

#include "daemon/config/config.h"
#include "daemon/config/environment.h"

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace danegate::config {

/// Every mistake of one run, sorted by file and position; never empty on failure. Warnings stand in the Config.
/// `file` empty: nothing is read, and every setting has its default.
/// `previous`: the plan of the roster that serves now, which the new one builds on (core/roster_plan.h); null at start.
std::expected<ConfigPtr, std::vector<ConfigError>>
load(const std::filesystem::path& file, const Environment& environment,
     const std::shared_ptr<const core::RosterPlan>& previous = nullptr);

/// The same files as one TOML document that holds every setting of this version with the value in force.
std::expected<std::string, std::vector<ConfigError>> print(const std::filesystem::path& file,
                                                           const Environment& environment);

} // namespace danegate::config
