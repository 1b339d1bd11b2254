#include "daemon/dns/self_test.h"

#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <utility>

namespace danegate::dns {

namespace asio = boost::asio;

namespace {

/// Kept alive by its queries and its timer.
struct Run {
  Run(asio::io_context& loop, std::function<void(SelfTestReport)> handler) : limit(loop), done(std::move(handler)) {}

  void note(std::size_t index, const UnboundReply& reply) {
    if (!done) return; // time was up
    report.anchors[index] = judge_anchor(report.anchors[index].owner, reply);
    if (--missing > 0) return;
    limit.cancel();
    finish();
  }

  void finish() { std::exchange(done, nullptr)(std::move(report)); }

  asio::steady_timer limit;
  std::function<void(SelfTestReport)> done; ///< empty once it was called
  SelfTestReport report;
  std::size_t missing = 0;
};

} // namespace

void run_self_test(asio::io_context& loop, const std::vector<std::string>& owners, const AskForKeys& ask,
                   std::function<void(SelfTestReport)> done, std::weak_ptr<void> alive) {
  const auto run = std::make_shared<Run>(loop, std::move(done));
  UnboundReply silence;
  silence.error = "nobody answered in time";
  for (const auto& owner : owners)
    run->report.anchors.push_back(judge_anchor(owner, silence));
  run->missing = owners.size();
  run->limit.expires_after(self_test_limit);
  run->limit.async_wait([run, alive = std::move(alive)](const boost::system::error_code& error) {
    if (!error && run->done && !alive.expired()) run->finish();
  });
  for (std::size_t i = 0; i < owners.size(); ++i)
    ask(owners[i], [run, i](const UnboundReply& reply) { run->note(i, reply); });
}

} // namespace danegate::dns
