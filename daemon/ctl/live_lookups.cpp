#include "daemon/ctl/live_lookups.h"

#include "daemon/dns/unbound_source.h"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <utility>

namespace danegate::ctl {

namespace {

using dns::AnchorHealth;

/// Keeps live_in_flight lookups under way until all names are answered. Lives until the loop is done.
class Asking {
public:
  Asking(dns::TlsaSource& source, const std::vector<core::DnsName>& names,
         const std::function<void(std::size_t)>& progress)
      : source_(source), names_(names), progress_(progress) {}

  void begin() {
    while (next_ < std::min(names_.size(), live_in_flight))
      ask();
  }

  bool is_done() const { return answers.size() == names_.size(); }

  LiveAnswers answers;

private:
  void ask() {
    const auto& name = names_[next_++];
    source_.resolve(name, dns::Freshness::any,
                    [this, &name](core::AnswerPtr answer) {
                      answers.emplace(name, std::move(answer));
                      progress_(answers.size());
                      if (next_ < names_.size()) ask();
                    },
                    {});
  }

  dns::TlsaSource& source_;
  const std::vector<core::DnsName>& names_;
  const std::function<void(std::size_t)>& progress_;
  std::size_t next_ = 0;
};

std::string_view id_for(AnchorHealth health) {
  switch (health) {
  case AnchorHealth::ok: return {};
  case AnchorHealth::network: return "resolver-network";
  case AnchorHealth::clock: return "resolver-clock";
  case AnchorHealth::anchor: return "resolver-anchor";
  }
  return "resolver-network";
}

} // namespace

LiveResult ask_live(const core::ResolverSettings& settings, const std::vector<core::DnsName>& names,
                    const std::function<void(std::size_t done)>& progress) {
  boost::asio::io_context loop(1);
  dns::UnboundSource source(loop, settings);
  LiveResult result;
  bool tested = false;
  source.self_test([&](dns::SelfTestReport report) {
    result.anchors = std::move(report);
    tested = true;
  });
  while (!tested && loop.run_one() > 0) {
  }
  const auto works = [](const dns::AnchorCheck& check) { return check.health == AnchorHealth::ok; };
  if (std::ranges::none_of(result.anchors.anchors, works)) return result;
  Asking asking(source, names, progress);
  asking.begin();
  loop.restart();
  while (!asking.is_done() && loop.run_one() > 0) {
  }
  result.answers = std::move(asking.answers);
  return result;
}

std::vector<Finding> judge_anchors(const dns::SelfTestReport& report, const std::string& file) {
  std::vector<Finding> found;
  for (const auto& anchor : report.anchors) {
    const auto id = id_for(anchor.health);
    if (id.empty()) continue;
    auto finding = make_finding(id, anchor.message);
    finding.place.file = file;
    found.push_back(std::move(finding));
  }
  return found;
}

} // namespace danegate::ctl
