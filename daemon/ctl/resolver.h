// The daemon's resolver on a loop of its own, for lookups that a command waits for. One thread.
#pragma once

#include "daemon/core/resolver_settings.h"
#include "daemon/dns/tlsa_source.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace danegate::ctl {

class Resolver {
public:
  /// Throws std::runtime_error if libunbound does not take the settings. `warn` is told what is wrong beyond one
  /// lookup.
  Resolver(const core::ResolverSettings& settings, std::function<void(std::string_view)> warn);

  /// Asks for all of them at once and waits, at most dns.timeout. The answers are in the order of the names.
  std::vector<core::AnswerPtr> resolve(const std::vector<core::DnsName>& names);

private:
  boost::asio::io_context loop_;
  std::unique_ptr<dns::TlsaSource> source_; ///< before the loop goes
};

} // namespace danegate::ctl
