#include "daemon/ctl/resolver.h"

#include "daemon/dns/unbound_source.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace danegate::ctl {

Resolver::Resolver(const core::ResolverSettings& settings, std::function<void(std::string_view)> warn)
    : loop_(1), source_(std::make_unique<dns::UnboundSource>(loop_, settings, std::move(warn))) {}

std::vector<core::AnswerPtr> Resolver::resolve(const std::vector<core::DnsName>& names) {
  std::vector<core::AnswerPtr> answers(names.size());
  std::size_t outstanding = names.size();
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto take = [&answers, &outstanding, i](core::AnswerPtr answer) {
      answers[i] = std::move(answer);
      --outstanding;
    };
    source_->resolve(names[i], dns::Freshness::any, std::move(take), nullptr);
  }
  loop_.restart();
  while (outstanding > 0 && loop_.run_one() > 0) {
  }
  if (outstanding > 0) throw std::logic_error("the loop ended before the answers came");
  return answers;
}

} // namespace danegate::ctl
