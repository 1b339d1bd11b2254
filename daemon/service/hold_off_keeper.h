// Drives core::HoldOff: sends its probes to the resolver and reports what comes of them.
//
// Life cycle: made once, serve() with every source that comes into force, stop() before the last one goes. A new source
// forgets everything: what failed with other anchors or upstreams says nothing. Probes are not counted by `limits`;
// HoldOff bounds them. Loop's thread only.
#pragma once

#include "daemon/core/hold_off.h"
#include "daemon/dns/tlsa_source.h"
#include "daemon/service/lookup_counts.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace danegate::service {

class HoldOffKeeper : public std::enable_shared_from_this<HoldOffKeeper> {
public:
  using Report = std::function<void(const core::HoldOff::Change&)>;

  static constexpr std::chrono::milliseconds tick{500};

  static std::shared_ptr<HoldOffKeeper> make(boost::asio::io_context& loop);

  /// `source` lives until another one is given, or stop(). `max_ttl`: core::HoldOff.
  void serve(dns::TlsaSource& source, std::chrono::seconds max_ttl);
  void stop();

  void on_change(Report report) { report_ = std::move(report); }

  /// Where probes are counted from now on.
  void count_in(std::shared_ptr<LookupCounts> counts) { counts_ = std::move(counts); }

  /// core::HoldOff::check and learn, now.
  core::AnswerPtr check(const core::DnsName& owner);
  void learn(const core::DnsName& owner, const core::AnswerPtr& answer);

  /// core::HoldOff::release, now; and all of them.
  void release(const core::DnsName& owner);
  void release_all();

  std::vector<core::HoldOff::HeldZone> held_zones() const;

  /// Probes under way.
  std::size_t probes() const noexcept { return names_ ? names_->probes() : 0; }

  std::size_t held() const noexcept { return names_ ? names_->held() : 0; }

  /// One round of what the timer does; for tests.
  void work(core::HoldOff::Time now);

private:
  explicit HoldOffKeeper(boost::asio::io_context& loop) : timer_(loop) {}

  void schedule();
  void probe(const core::DnsName& parent);
  void probed(const core::DnsName& parent, const core::AnswerPtr& answer);
  void report(const core::HoldOff::Change& change) const;

  boost::asio::steady_timer timer_;
  bool ticking_ = false;
  dns::TlsaSource* source_ = nullptr;
  std::shared_ptr<core::HoldOff> names_; ///< one to a source: answers of an older one find theirs gone
  Report report_;
  std::shared_ptr<LookupCounts> counts_ = std::make_shared<LookupCounts>();
};

} // namespace danegate::service
