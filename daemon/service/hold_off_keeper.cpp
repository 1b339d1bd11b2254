#include "daemon/service/hold_off_keeper.h"

#include <utility>

namespace danegate::service {

using std::chrono::steady_clock;

std::shared_ptr<HoldOffKeeper> HoldOffKeeper::make(boost::asio::io_context& loop) {
  return std::shared_ptr<HoldOffKeeper>(new HoldOffKeeper(loop));
}

void HoldOffKeeper::serve(dns::TlsaSource& source, std::chrono::seconds max_ttl) {
  source_ = &source;
  if (names_)
    for (const auto& change : names_->forget_all(steady_clock::now()))
      report(change);
  names_ = std::make_shared<core::HoldOff>(max_ttl);
}

void HoldOffKeeper::stop() {
  source_ = nullptr;
  names_.reset();
  timer_.cancel();
}

core::AnswerPtr HoldOffKeeper::check(const core::DnsName& owner) {
  return names_ ? names_->check(owner, steady_clock::now()) : nullptr;
}

/// A parent that is held off may answer after its probe was told that time is up: it answers.
void HoldOffKeeper::learn(const core::DnsName& owner, const core::AnswerPtr& answer) {
  if (!names_) return;
  names_->learn(owner, answer, steady_clock::now());
  if (core::is_definite(*answer) && names_->is_held(owner)) probed(owner, answer);
  if (names_->wants_probes()) work(steady_clock::now()); // at once: what fails fast may be costly
  if (names_->active()) schedule();
}

void HoldOffKeeper::release(const core::DnsName& owner) {
  if (!names_) return;
  for (const auto& change : names_->release(owner, steady_clock::now()))
    report(change);
}

void HoldOffKeeper::release_all() {
  if (!names_) return;
  for (const auto& change : names_->forget_all(steady_clock::now()))
    report(change);
}

std::vector<core::HoldOff::HeldZone> HoldOffKeeper::held_zones() const {
  return names_ ? names_->held_zones(steady_clock::now()) : std::vector<core::HoldOff::HeldZone>{};
}

void HoldOffKeeper::work(core::HoldOff::Time now) {
  if (!names_) return;
  for (const auto& change : names_->forget(now))
    report(change);
  for (const core::DnsName& parent : names_->take_probes(now))
    probe(parent);
}

void HoldOffKeeper::schedule() {
  if (std::exchange(ticking_, true)) return;
  timer_.expires_after(tick);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!self) return;
    self->ticking_ = false;
    if (error || !self->names_) return;
    self->work(steady_clock::now());
    if (self->names_->active()) self->schedule();
  });
}

void HoldOffKeeper::probe(const core::DnsName& parent) {
  auto handler = [weak = weak_from_this(), epoch = std::weak_ptr(names_), parent](const core::AnswerPtr& answer) {
    const auto self = weak.lock();
    if (self && epoch.lock() && epoch.lock() == self->names_) self->probed(parent, answer);
  };
  source_->resolve(parent, dns::Freshness::any, timed(counts_, std::move(handler)), nullptr);
}

void HoldOffKeeper::probed(const core::DnsName& parent, const core::AnswerPtr& answer) {
  if (const auto change = names_->probed(parent, answer, steady_clock::now())) report(*change);
  if (names_->active()) schedule();
}

void HoldOffKeeper::report(const core::HoldOff::Change& change) const {
  if (report_) report_(change);
}

} // namespace danegate::service
