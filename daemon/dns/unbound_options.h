// The `[dns]` settings in libunbound's own terms: which option gets which value, and why. Pure; unbound_source.cpp
// hands it over.
#pragma once

#include "daemon/core/resolver_settings.h"

#include <string>
#include <utility>
#include <vector>

namespace danegate::dns {

struct UnboundOptions {
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  Pairs options;                     ///< option with its colon, value: ub_ctx_set_option
  Pairs stubs;                       ///< zone, "address@port": ub_ctx_set_stub
  std::vector<std::string> forwards; ///< "address@port": ub_ctx_set_fwd
  /// In unbound.conf syntax, for ub_ctx_config; empty without TLS. ub_ctx_set_tls would turn TLS on for stub zones too.
  std::string tls_forwards;
};

UnboundOptions make_options(const core::ResolverSettings& settings);

} // namespace danegate::dns
