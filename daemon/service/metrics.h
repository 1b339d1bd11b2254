// The text of /metrics: measurements in Prometheus' exposition format 0.0.4, by the one table of metric_table.h.
//
// Pure, and safe on any thread. prometheus-cpp is used in the .cpp alone: counting is done in plain integers where
// things happen, and its structures are built when somebody asks.
#pragma once

#include "daemon/service/measurements.h"

#include <string>
#include <string_view>

namespace danegate::service {

inline constexpr std::string_view exposition_type = "text/plain; version=0.0.4; charset=utf-8";

std::string exposition(const Measurements& now);

} // namespace danegate::service
