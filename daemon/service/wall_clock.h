// The clock that answers and signatures live by.
#pragma once

#include "daemon/core/answer_cache.h"

#include <chrono>
#include <functional>

namespace danegate::service {

using Clock = std::function<core::TimePoint()>;

/// The wall clock: answers expire by it, as signatures do.
inline core::TimePoint wall_clock() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

} // namespace danegate::service
