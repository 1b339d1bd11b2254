// Asks for the keys of every zone that has a trust anchor, and gathers what comes of it.
#pragma once

#include "daemon/dns/anchor_health.h"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace danegate::dns {

inline constexpr std::chrono::seconds self_test_limit{10};

/// Sends one DNSKEY query; the continuation is called later with the answer, or not at all.
using AskForKeys = std::function<void(const std::string& owner, std::move_only_function<void(const UnboundReply&)>)>;

/// `done` is called once, within self_test_limit, on the loop; not if `alive` has expired by then. A zone that was not
/// heard of is unreachable. Needs at least one owner.
void run_self_test(boost::asio::io_context& loop, const std::vector<std::string>& owners, const AskForKeys& ask,
                   std::function<void(SelfTestReport)> done, std::weak_ptr<void> alive);

} // namespace danegate::dns
