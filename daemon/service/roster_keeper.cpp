#include "daemon/service/roster_keeper.h"

#include "daemon/service/signal_block.h"

#include <array>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace danegate::service {

namespace {

using config::LogLevel;
using core::RosterFlaw;

/// Warnings about records: thirty at once, then one every two seconds. The rest is counted.
constexpr double warnings_per_second = 0.5;
constexpr double warnings_at_once = 30;

struct FlawText {
  RosterFlaw flaw;
  std::string_view problem;
  std::string_view message;
};

constexpr std::array<FlawText, 6> flaw_texts{{
    {RosterFlaw::no_record, "no-record", "an identity that a rule names in full has no signed record"},
    {RosterFlaw::unusable, "unusable",
     "an identity that a rule names in full has records, but none that can be judged"},
    {RosterFlaw::single_record, "single-record",
     "an identity that a rule names in full has a single record: no next key is published for a rollover"},
    {RosterFlaw::signatures_end_soon, "signatures-end",
     "the signatures over an identity's records end soon: its zone should have been signed again"},
    {RosterFlaw::shared, "shared",
     "identities that are not related have the same key: digests are public, anybody can "
     "publish another's"},
    {RosterFlaw::too_large, "too-large", "an identity that a rule names in full has more records than are kept"},
}};

std::string date_of(const std::optional<std::chrono::sys_seconds>& time) {
  if (!time) return {};
  std::string text;
  append_timestamp(text, *time);
  return text;
}

/// A million answers take a while to free.
void free_elsewhere(std::shared_ptr<core::Roster> roster) {
  if (!roster || roster->plan()->names() == 0) return;
  try {
    const SignalBlock blocked;
    std::thread([dead = std::move(roster)]() mutable { dead.reset(); }).detach(); // it owns all that it touches
  } catch (const std::system_error&) {
    roster.reset(); // no thread: it is freed here
  }
}

} // namespace

std::optional<core::RosterAnswer> RosterReader::find(const core::DnsName& owner) const {
  return roster_->find(owner, clock_());
}

core::RosterCandidates RosterReader::candidates(const core::Evidence& evidence) const {
  return roster_->candidates(evidence, clock_());
}

core::RosterDoubt RosterReader::doubt(const core::Rule& rule, const core::Service& service) const {
  const auto rules = config_->rules->rules();
  const auto services = config_->rules->services();
  const auto group = static_cast<std::size_t>(&rule - rules.data()) * services.size() +
                     static_cast<std::size_t>(&service - services.data());
  if (roster_->plan() != config_->roster_plan)
    return {config_->roster_plan->names_in(group), core::Reason::dns_failure};
  const std::scoped_lock lock(*lock_); // what has expired is counted out
  return roster_->doubt(group, clock_());
}

std::optional<core::RosterAnswer> OutsideRosterReader::find(const core::DnsName& owner) const {
  const std::scoped_lock lock(*lock_);
  return roster_->find(owner, clock_());
}

core::RosterCandidates OutsideRosterReader::candidates(const core::Evidence& evidence) const {
  doubted_ = false;
  const std::scoped_lock lock(*lock_);
  return roster_->candidates(evidence, clock_());
}

core::RosterDoubt OutsideRosterReader::doubt(const core::Rule& /*rule*/, const core::Service& /*service*/) const {
  doubted_ = true;
  return {1, core::Reason::dns_failure};
}

std::shared_ptr<RosterKeeper> RosterKeeper::make(boost::asio::io_context& loop, Log& log, core::HashFunction hash,
                                                 Clock clock) {
  return std::shared_ptr<RosterKeeper>(new RosterKeeper(loop, log, hash, std::move(clock)));
}

RosterKeeper::RosterKeeper(boost::asio::io_context& loop, Log& log, core::HashFunction hash, Clock clock)
    : loop_(loop), log_(log), hash_(hash), clock_(std::move(clock)), timer_(loop_), pace_(1, 1),
      warnings_(warnings_per_second, warnings_at_once) {}

void RosterKeeper::serve(config::ConfigPtr config, dns::TlsaSource& source) {
  const bool other_source = std::exchange(source_, &source) != &source;
  config_ = std::move(config);
  const auto& plan = config_->roster_plan;
  reader_ = nullptr;
  if (roster_ && !other_source) {
    const auto lock = changing();
    roster_->use(plan, config_->roster.limits, clock_());
  } else {
    auto roster = std::make_shared<core::Roster>(plan, config_->roster.limits, hash_, clock_());
    {
      const auto lock = changing();
      std::swap(roster, roster_);
    }
    free_elsewhere(std::move(roster));
  }
  const auto rate = static_cast<double>(config_->roster.refresh_per_second);
  constexpr double ticks_of_burst = 2;
  pace_.set(rate, rate * std::chrono::duration<double>(tick).count() * ticks_of_burst);
  settled_ = plan->names() == 0;
  if (plan->names() > 0) {
    const auto counts = roster_->counts();
    log_.event(
        LogLevel::info, "roster", "the identities that rules name in full are resolved ahead",
        {{"names", std::to_string(plan->names())}, {"known", std::to_string(plan->names() - counts.unresolved)}});
  }
  schedule();
}

void RosterKeeper::stop() {
  source_ = nullptr;
  timer_.cancel();
}

void RosterKeeper::schedule() {
  if (ticking_ || !source_ || roster_->plan()->names() == 0) return;
  ticking_ = true;
  timer_.expires_after(tick);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!self) return;
    self->ticking_ = false;
    if (error || !self->source_) return;
    self->schedule(); // first: what follows may throw
    self->work(std::chrono::steady_clock::now());
  });
}

void RosterKeeper::work(std::chrono::steady_clock::time_point now) {
  bool all_asked = false;
  while (source_ && *under_way_ < max_refreshes && pace_.take(now)) {
    const auto due = take_due();
    if (!due) {
      pace_.give_back();
      all_asked = true;
      break;
    }
    refresh(*due);
  }
  if (all_asked && *under_way_ == 0 && !std::exchange(settled_, true)) tell_settled();
  advance();
  if (unsaid_ > 0 && warnings_.take(now))
    log_.event(LogLevel::warning, "roster-record", "more identities have something wrong with their records",
               {{"suppressed", std::to_string(std::exchange(unsaid_, 0))}});
}

std::optional<core::Roster::Due> RosterKeeper::take_due() {
  const auto lock = changing();
  return roster_->take_due(clock_());
}

void RosterKeeper::advance() {
  const auto lock = changing();
  roster_->advance(clock_());
}

/// From here on a key without a hit is no doubt any more, unless some name could not be resolved.
void RosterKeeper::tell_settled() {
  const auto counts = roster_->counts();
  log_.event(LogLevel::info, "roster-settled", "every name of the roster was asked for",
             {{"secure", std::to_string(counts.secure)},
              {"absent", std::to_string(counts.absent)},
              {"insecure", std::to_string(counts.insecure)},
              {"unresolved", std::to_string(counts.unresolved)}});
}

void RosterKeeper::refresh(core::Roster::Due due) {
  const auto owner = roster_->plan()->name_of(due.number).owner;
  ++*under_way_;
  const dns::Lease lease(under_way_.get(), [count = under_way_](void*) { --*count; });
  auto handler = [weak = weak_from_this(), epoch = epoch(), owner](const core::AnswerPtr& answer) {
    if (const auto self = weak.lock()) self->take(epoch, owner, answer);
  };
  const auto freshness = due.again ? dns::Freshness::fresh : dns::Freshness::any;
  source_->resolve(owner, freshness, timed(counts_, std::move(handler)), lease);
}

void RosterKeeper::take(const Epoch& epoch, const core::DnsName& owner, const core::AnswerPtr& answer) {
  if (epoch.lock() != roster_) return;
  const auto number = roster_->plan()->find(owner);
  if (!number) return;
  const auto change = store(*number, *answer);
  if (change.raised != 0) warn(roster_->plan()->name_of(*number), change);
  if (refreshed_) refreshed_(owner, answer);
}

core::RosterChange RosterKeeper::store(core::Roster::Number number, const core::TlsaAnswer& answer) {
  const auto lock = changing();
  return roster_->store(number, answer, clock_());
}

std::shared_ptr<const RosterReader> RosterKeeper::reader(const config::ConfigPtr& config) const {
  if (roster_->plan()->names() == 0 && config->roster_plan->names() == 0) return nullptr;
  if (!reader_ || !reader_->is_of(roster_, config))
    reader_ = std::make_shared<const RosterReader>(roster_, config, clock_, lock_);
  return reader_;
}

std::optional<OutsideRosterReader> RosterKeeper::outside_reader(const config::Config& config) const {
  const auto lock = changing();
  if (roster_->plan()->names() == 0 && config.roster_plan->names() == 0) return std::nullopt;
  return std::make_optional<OutsideRosterReader>(roster_, clock_, lock_);
}

void RosterKeeper::learn(const Epoch& epoch, const core::DnsName& owner, const core::TlsaAnswer& answer) {
  if (!roster_ || epoch.lock() != roster_) return;
  const auto number = roster_->plan()->find(owner);
  if (!number) return;
  const auto change = note(*number, answer);
  if (change.raised != 0) warn(roster_->plan()->name_of(*number), change);
}

core::RosterChange RosterKeeper::note(core::Roster::Number number, const core::TlsaAnswer& answer) {
  const auto lock = changing();
  return roster_->learn(number, answer, clock_());
}

std::size_t RosterKeeper::refresh_soon(const core::DnsName& owner) {
  const auto number = roster_ ? roster_->plan()->find(owner) : std::nullopt;
  if (!number) return 0;
  const auto lock = changing();
  roster_->refresh(*number);
  return 1;
}

std::size_t RosterKeeper::refresh_all_soon() {
  if (!roster_) return 0;
  const auto lock = changing();
  roster_->refresh_all();
  return roster_->plan()->names();
}

std::optional<core::RosterRecord> RosterKeeper::record_of(const core::DnsName& owner) const {
  const auto number = roster_ ? roster_->plan()->find(owner) : std::nullopt;
  return number ? roster_->record_of(*number, clock_()) : std::nullopt;
}

core::AnswerPtr RosterKeeper::last_secure(const core::DnsName& owner) const {
  return roster_ ? roster_->last_secure(owner, clock_()) : nullptr;
}

std::optional<std::chrono::sys_seconds> RosterKeeper::soonest_signature_end(std::chrono::steady_clock::time_point now) {
  const bool fresh = scanned_ && now - *scanned_ < signature_scan && roster_->plan()->names() > few_names;
  if (fresh) return signature_end_;
  scanned_ = now;
  return signature_end_ = roster_->soonest_signature_end();
}

void RosterKeeper::warn(const core::OwnerName& name, const core::RosterChange& change) {
  for (const auto& [flaw, problem, message] : flaw_texts) {
    if ((change.raised & static_cast<std::uint8_t>(flaw)) == 0) continue;
    if (!warnings_.take(std::chrono::steady_clock::now())) {
      ++unsaid_;
      continue;
    }
    const auto held = roster_->find(name.owner, clock_());
    const auto other = change.sharing ? roster_->plan()->name_of(*change.sharing).identity.text() : std::string();
    log_.event(LogLevel::warning, "roster-record", message,
               {{"problem", problem},
                {"identity", name.identity.text()},
                {"owner", name.owner.text()},
                {"other", flaw == RosterFlaw::shared ? std::string_view(other) : std::string_view()},
                {"signatures-end", held ? date_of(held->answer->signatures_end) : std::string()}});
  }
}

} // namespace danegate::service
