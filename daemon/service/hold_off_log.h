// The log's words for a hold-off that begins or ends.
#pragma once

#include "daemon/core/hold_off.h"
#include "daemon/service/log.h"

namespace danegate::service {

void log_hold_off(Log& log, const core::HoldOff::Change& change);

} // namespace danegate::service
