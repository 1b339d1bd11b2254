// Keeps the roster: resolves the identities that rules name in full ahead of time, and again before their TTLs end.
//
// Every tick the names that are due are asked, as many as `dns.refresh-per-second` allows, through the same resolver as
// everything else but with a share of lookups of their own: at most max_refreshes are under way, none of them counted
// against `limits`. A name of which something is known is asked freshly, past the resolver's cache. What verdicts learn
// about a name counts here, too.
//
// Life cycle: made with the first configuration, serve() whenever another one comes into force, stop() at the end. A
// new source drops every answer, and what was asked of the old one comes to nothing. Loop's thread only, but for
// outside_reader(). The loop reads without a lock, and changes what it reads with one.
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/roster.h"
#include "daemon/dns/tlsa_source.h"
#include "daemon/service/log.h"
#include "daemon/service/lookup_counts.h"
#include "daemon/service/pace.h"
#include "daemon/service/wall_clock.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

namespace danegate::service {

/// Held by the loop while it changes a roster, and by others while they read one.
using RosterLock = std::shared_ptr<std::mutex>;

/// What verdicts on the loop see of the roster. Keeps what it looks at alive.
class RosterReader final : public core::RosterView {
public:
  RosterReader(std::shared_ptr<core::Roster> roster, config::ConfigPtr config, Clock clock, RosterLock lock)
      : roster_(std::move(roster)), config_(std::move(config)), clock_(std::move(clock)), lock_(std::move(lock)) {}

  bool is_of(const std::shared_ptr<core::Roster>& roster, const config::ConfigPtr& config) const noexcept {
    return roster_ == roster && config_ == config;
  }

  std::optional<core::RosterAnswer> find(const core::DnsName& owner) const override;
  core::RosterCandidates candidates(const core::Evidence& evidence) const override;
  /// Where the roster has gone on to another configuration, everything that a rule names is doubt.
  core::RosterDoubt doubt(const core::Rule& rule, const core::Service& service) const override;

private:
  std::shared_ptr<core::Roster> roster_;
  config::ConfigPtr config_;
  Clock clock_;
  RosterLock lock_;
};

/// What a verdict on another thread sees of it: all but doubt, which only the loop can tell.
class OutsideRosterReader final : public core::RosterView {
public:
  OutsideRosterReader(std::shared_ptr<const core::Roster> roster, Clock clock, RosterLock lock)
      : roster_(std::move(roster)), clock_(std::move(clock)), lock_(std::move(lock)) {}

  std::optional<core::RosterAnswer> find(const core::DnsName& owner) const override;
  core::RosterCandidates candidates(const core::Evidence& evidence) const override;
  core::RosterDoubt doubt(const core::Rule& rule, const core::Service& service) const override;

  /// doubt() was called, and not before candidates(), which make the flow judge again: what comes of it must not be used.
  bool was_doubted() const noexcept { return doubted_; }

private:
  std::shared_ptr<const core::Roster> roster_;
  Clock clock_;
  RosterLock lock_;
  mutable bool doubted_ = false;
};

class RosterKeeper : public std::enable_shared_from_this<RosterKeeper> {
public:
  static constexpr std::size_t max_refreshes = 128;
  static constexpr std::chrono::milliseconds tick{100};
  static constexpr std::chrono::seconds signature_scan{10};
  static constexpr std::size_t few_names = 10000; ///< that are looked through at any time

  /// What a refresh learned.
  using Refreshed = std::function<void(const core::DnsName&, const core::AnswerPtr&)>;

  /// Answers are of one roster: when it is replaced, what was asked for the old one is not for the new one.
  using Epoch = std::weak_ptr<core::Roster>;

  static std::shared_ptr<RosterKeeper> make(boost::asio::io_context& loop, Log& log, core::HashFunction hash,
                                            Clock clock = wall_clock);

  /// `source` lives until another one is given, or stop().
  void serve(config::ConfigPtr config, dns::TlsaSource& source);
  void stop();

  void on_refreshed(Refreshed refreshed) { refreshed_ = std::move(refreshed); }

  /// Where refreshes are counted from now on.
  void count_in(std::shared_ptr<LookupCounts> counts) { counts_ = std::move(counts); }

  /// Null where neither this configuration nor the one that serves names anybody in full.
  std::shared_ptr<const RosterReader> reader(const config::ConfigPtr& config) const;

  /// The same for any thread; nullopt instead of null.
  std::optional<OutsideRosterReader> outside_reader(const config::Config& config) const;

  Epoch epoch() const noexcept { return roster_; }

  /// What a verdict was told about a name that it asked for.
  void learn(const Epoch& epoch, const core::DnsName& owner, const core::TlsaAnswer& answer);
  /// Null, or the answer that `dns.grace` lets serve for a name whose lookup failed.
  core::AnswerPtr last_secure(const core::DnsName& owner) const;

  /// Asks anew for one name, or for all, as `dns.refresh-per-second` allows. What is known serves until it is answered.
  /// How many names that are.
  std::size_t refresh_soon(const core::DnsName& owner);
  std::size_t refresh_all_soon();

  /// What is known of one name now, with its times; nullopt: nothing that is valid.
  std::optional<core::RosterRecord> record_of(const core::DnsName& owner) const;

  /// Null before serve().
  const std::shared_ptr<core::Roster>& roster() const noexcept { return roster_; }

  /// Lookups under way for the roster itself.
  std::size_t refreshes() const noexcept { return *under_way_; }

  /// As Roster's, but of very many names it is told anew every signature_scan only: looking through them takes time.
  std::optional<std::chrono::sys_seconds> soonest_signature_end(std::chrono::steady_clock::time_point now);

  /// One round of what the timer does; for tests.
  void work(std::chrono::steady_clock::time_point now);

private:
  RosterKeeper(boost::asio::io_context& loop, Log& log, core::HashFunction hash, Clock clock);

  /// Whoever changes the roster holds it.
  std::scoped_lock<std::mutex> changing() const { return std::scoped_lock(*lock_); }

  // These change the roster, and hold the lock for that only.
  std::optional<core::Roster::Due> take_due();
  void advance();
  core::RosterChange store(core::Roster::Number number, const core::TlsaAnswer& answer);
  core::RosterChange note(core::Roster::Number number, const core::TlsaAnswer& answer);

  void schedule();
  void refresh(core::Roster::Due due);
  void take(const Epoch& epoch, const core::DnsName& owner, const core::AnswerPtr& answer);
  void tell_settled();
  void warn(const core::OwnerName& name, const core::RosterChange& change);

  boost::asio::io_context& loop_;
  Log& log_;
  core::HashFunction hash_;
  Clock clock_;
  boost::asio::steady_timer timer_;
  config::ConfigPtr config_;
  dns::TlsaSource* source_ = nullptr;
  std::shared_ptr<core::Roster> roster_;
  const RosterLock lock_ = std::make_shared<std::mutex>(); ///< of the roster, and of the pointer to it
  mutable std::shared_ptr<const RosterReader> reader_;     ///< the last one: verdict after verdict wants the same
  Pace pace_;
  Pace warnings_;
  std::size_t unsaid_ = 0; ///< warnings that were too many
  std::shared_ptr<std::size_t> under_way_ = std::make_shared<std::size_t>(0);
  Refreshed refreshed_;
  std::shared_ptr<LookupCounts> counts_ = std::make_shared<LookupCounts>();
  std::optional<std::chrono::sys_seconds> signature_end_; ///< at scanned_
  std::optional<std::chrono::steady_clock::time_point> scanned_;
  bool ticking_ = false;
  bool settled_ = true; ///< since the plan came into force, every name was asked for once
};

} // namespace danegate::service
