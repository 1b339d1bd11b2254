#include "daemon/ctl/bench.h"

#include "daemon/dns/unbound_source.h"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace danegate::ctl {

Bench::Bench(config::ConfigPtr config)
    : config_(std::move(config)), loop_(1),
      authenticator_(loop_, config_, std::make_unique<dns::UnboundSource>(loop_, config_->dns)) {}

core::Decision Bench::judge(core::Question question) {
  std::optional<core::Decision> decision;
  std::exception_ptr failure;
  auto verdict = authenticator_.judge(std::move(question), config_);
  boost::asio::co_spawn(loop_, std::move(verdict), [&](std::exception_ptr error, core::Decision made) {
    failure = std::move(error);
    decision = std::move(made);
  });
  loop_.restart();
  while (!decision && loop_.run_one() > 0) {
  }
  if (failure) std::rethrow_exception(failure);
  if (!decision) throw std::logic_error("the loop ended before the verdict was given");
  return std::move(*decision);
}

} // namespace danegate::ctl
