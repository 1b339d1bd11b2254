#include "daemon/service/daemon_resolver.h"

#include "daemon/dns/unbound_source.h"

#include <string_view>

namespace danegate::service {

namespace {

using config::LogLevel;

void log_self_test(Log& log, const dns::SelfTestReport& report) {
  for (const dns::AnchorCheck& anchor : report.anchors) {
    const bool ok = anchor.health == dns::AnchorHealth::ok;
    log.event(ok ? LogLevel::info : LogLevel::warning, "self-test", anchor.message,
              {{"anchor", anchor.owner}, {"health", dns::describe(anchor.health)}});
  }
}

} // namespace

std::unique_ptr<dns::TlsaSource> make_resolver(boost::asio::io_context& loop, Log& log,
                                               const core::ResolverSettings& settings) {
  const auto warn = [&log](std::string_view words) {
    log.event_limited("resolver", LogLevel::warning, "resolver", "the resolver is in trouble", {{"error", words}});
  };
  auto source = std::make_unique<dns::UnboundSource>(loop, settings, warn);
  source->self_test([&log](const dns::SelfTestReport& report) { log_self_test(log, report); });
  return source;
}

} // namespace danegate::service
