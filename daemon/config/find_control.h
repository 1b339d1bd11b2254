// Where a running daemon is to be reached, out of a configuration that may be wrong in other places: the tool needs it
// most when somebody has just broken the file.
//
// Reads the files as load() does, but judges nothing beside this setting: no rules, no identity files.
#pragma once

#include "daemon/config/config.h"

#include <filesystem>
#include <optional>
#include <vector>

namespace danegate::config {

struct ControlPlace {
  std::optional<Listen> listen; ///< absent: none
  bool is_set = false;          ///< a file says so; otherwise it is the default
  std::vector<ConfigError> errors;
};

ControlPlace find_control(const std::filesystem::path& file);

} // namespace danegate::config
