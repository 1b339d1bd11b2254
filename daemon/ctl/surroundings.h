// The host that `danegate check` runs on: accounts and folders, as PostfixView wants to know them.
#pragma once

#include "daemon/ctl/postfix_view.h"

namespace danegate::ctl {

/// Asks the system. Blocks where the system's account database does.
Surroundings this_host();

} // namespace danegate::ctl
