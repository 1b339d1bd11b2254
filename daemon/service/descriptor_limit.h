// How many descriptors this process may have.
#pragma once

#include <sys/resource.h>

namespace danegate::service {

/// Thousands of connections need more than the usual soft limit; nothing here uses select(2), the reason why that
/// limit is low.
inline void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace danegate::service
