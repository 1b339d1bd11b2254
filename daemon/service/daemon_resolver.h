// The daemon's resolver, made and watched: what its self-test and its troubles say goes to the log.
#pragma once

#include "daemon/core/resolver_settings.h"
#include "daemon/dns/tlsa_source.h"
#include "daemon/service/log.h"

#include <boost/asio/io_context.hpp>

#include <memory>

namespace danegate::service {

/// On the loop's thread. Throws std::runtime_error if a trust anchor cannot be read or libunbound does not take the
/// settings. The self-test is under way when this returns; its report changes nothing but the log: a network that is
/// down at start may be up in a minute.
std::unique_ptr<dns::TlsaSource> make_resolver(boost::asio::io_context& loop, Log& log,
                                               const core::ResolverSettings& settings);

} // namespace danegate::service
