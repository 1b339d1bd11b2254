// Names that were asked for freshly not long ago.
//
// libunbound has no way to drop one name from a context's cache: once the fresh context has seen a newer answer, the
// main context may go on giving the older one for up to dns.max-ttl. Until then the fresh context serves such a name,
// whatever freshness is asked for.
#pragma once

#include "daemon/core/recent_names.h"

#include <chrono>
#include <cstddef>

namespace danegate::dns {

class RefreshedNames : public core::RecentNames {
public:
  static constexpr std::size_t max_names = 16384;

  /// `window`: how long an older answer may live in the main context.
  explicit RefreshedNames(std::chrono::seconds window) : RecentNames(window, max_names) {}
};

} // namespace danegate::dns
