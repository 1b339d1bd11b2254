// TOML text to plain values. load_toml.cpp is the only file that knows the TOML library.
#pragma once

#include "daemon/config/syntax.h"

#include <optional>

namespace danegate::config {

inline constexpr std::size_t max_file_octets = std::size_t{4} << 20; ///< of one configuration file

/// nullopt, and an error with its position in `diagnostics`, if the text is not TOML 1.0.
std::optional<Table> parse_toml(std::string_view text, const std::string& file, Diagnostics& diagnostics);

/// The same for a file; one that cannot be read, is not a regular file or is too long is an error, too.
std::optional<Table> read_toml(const std::string& file, Diagnostics& diagnostics);

} // namespace danegate::config
