// A checked document as TOML again: what `danegate check --print-config` shows.
#pragma once

#include "daemon/config/config.h"
#include "daemon/config/document.h"

#include <string>

namespace danegate::config {

/// Every setting of this version in the order of the schema; those whose default depends on the host come from
/// `server`. What it returns can be loaded again and gives the same configuration.
std::string print_document(const Document& document, const ServerSettings& server, Diagnostics& diagnostics);

} // namespace danegate::config
