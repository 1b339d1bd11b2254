// Drives core::AuthFlow over the answer cache and a TlsaSource: the loop's side of a verdict.
//
// Lives on the loop's thread, as long as the daemon. A verdict that needs no lookup, or whose answers are all cached,
// is given without suspending; judge_outside() gives such a verdict on any thread. Whatever DNS does, judge() returns
// within limits.deadline.
//
// Before a name is looked up: what failed for the same message is not waited for again (message_memory.h), names below
// a parent that does not answer are held off (core/hold_off.h), and waiting and lookups are bounded per client
// (waiting_budget.h, lookup_gate.h). What is refused by one of them is temperror, at once.
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/auth_flow.h"
#include "daemon/dns/tlsa_source.h"
#include "daemon/service/answer_store.h"
#include "daemon/service/bounds.h"
#include "daemon/service/hold_off_keeper.h"
#include "daemon/service/lookup_counts.h"
#include "daemon/service/message_memory.h"
#include "daemon/service/ports.h"
#include "daemon/service/roster_keeper.h"
#include "daemon/service/soon.h"
#include "daemon/service/waiting_budget.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

namespace danegate::service {

class LookupGate;

class Authenticator {
public:
  Authenticator(boost::asio::io_context& loop, config::ConfigPtr config, std::unique_ptr<dns::TlsaSource> source,
                core::Ports ports = library_ports(), Clock clock = wall_clock);
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;
  ~Authenticator();

  /// `config` is the snapshot that the question was made with; question.service points into its rules.
  boost::asio::awaitable<core::Decision> judge(core::Question question, config::ConfigPtr config);

  /// The same, at once where every answer is known. Lookups are begun before this returns.
  Soon<core::Decision> begin(core::Question&& question, config::ConfigPtr config);

  /// On any thread: the verdict, if everything that it needs is known; the question itself where it is not, for the
  /// loop. Not before use_roster().
  std::variant<core::Decision, core::Question> judge_outside(core::Question&& question,
                                                             const config::ConfigPtr& config) const;

  /// Verdicts use this roster from now on; it is given the source, the configuration, and what verdicts learn. Without
  /// one (`danegate explain`) every name is looked up when it is claimed.
  void use_roster(std::shared_ptr<RosterKeeper> roster);

  /// A new configuration. With a new `source` (anchors, stubs or upstreams changed) every stored answer is dropped, and
  /// the old source only finishes what it has begun; without one the source and the cache stay.
  void reconfigure(config::ConfigPtr config, std::unique_ptr<dns::TlsaSource> source);

  using MakeSource = std::function<std::unique_ptr<dns::TlsaSource>()>;

  /// What was looked up so far must not serve any more: every stored answer is dropped, the resolver's own with it.
  /// Where `make` throws, so does this, and every lookup fails until a later call, or reconfigure(), brings a source.
  void renew(const MakeSource& make);

  /// Who is told of bounds that are met, and by whom; and of hold-offs. Either may be empty.
  struct Watch {
    std::function<void(Bound, const std::optional<core::IpAddress>&)> bound;
    HoldOffKeeper::Report hold_off;
  };

  void watch(Watch watch);

  /// By what they are made for. The first two are those that `limits` counts.
  struct Lookups {
    std::size_t claims = 0;
    std::size_t requeries = 0;
    std::size_t roster = 0;
    std::size_t probes = 0; ///< of domains that are held off
  };

  Lookups lookups() const noexcept;

  std::size_t lookups_in_flight() const noexcept;

  std::vector<core::HoldOff::HeldZone> held_zones() const { return hold_off_->held_zones(); }

  /// Names that are resolved ahead.
  std::size_t roster_names() const noexcept {
    return roster_ && roster_->roster() ? roster_->roster()->plan()->names() : 0;
  }

  /// What is stored about one name.
  struct Stored {
    std::optional<core::AnswerCache::Hit> cached;
    bool in_roster = false;
    std::optional<core::RosterRecord> roster; ///< absent: not known, or expired
    std::chrono::seconds roster_remaining{0};
  };

  Stored stored(const core::DnsName& name) const;

  struct Flushed {
    std::size_t answers = 0; ///< of the cache
    std::size_t roster = 0;  ///< names that are asked for anew; what is known of them serves until then
  };

  /// Forgets what is stored about one name, in the resolver as well, and that its domain is held off: the next verdict
  /// that needs it asks DNS.
  Flushed flush(const core::DnsName& name);

  /// The same for all names. Throws std::runtime_error if the resolver cannot do it; nothing is forgotten then.
  Flushed flush_all();

  /// Of verdicts, roster and hold-offs together.
  LookupCounts lookup_counts() const noexcept;

  std::size_t held_off() const noexcept { return hold_off_->held(); }

  std::size_t cached_answers() const noexcept { return cache_->size(); }

private:
  struct Verdict;
  using VerdictPtr = std::shared_ptr<Verdict>;
  using CachePtr = std::shared_ptr<AnswerStore>;

  std::vector<core::Need> supply_known(core::AuthFlow& flow);
  bool supply_cached(core::AuthFlow& flow, const core::Need& need);
  void advance(const VerdictPtr& verdict);
  boost::asio::awaitable<core::Decision> finish(VerdictPtr verdict);
  void supply(const VerdictPtr& verdict, const core::Need& need);
  void look_up(const std::shared_ptr<Verdict>& verdict, const core::Need& need);
  bool spare_lookup(Verdict& verdict, const core::Need& need);
  std::optional<Bound> begin_waiting(Verdict& verdict);
  core::AnswerPtr last_secure(const core::DnsName& name, const core::TlsaAnswer& failure) const;
  void refuse(Verdict& verdict, const core::Need& need, Bound bound);
  void take(const std::shared_ptr<Verdict>& verdict, const core::Need& need, dns::Freshness freshness,
            dns::Lease lease);
  void connect();
  void forget_retired();
  void replace_cache();

  boost::asio::io_context& loop_;
  config::ConfigPtr config_;
  core::Ports ports_;
  Clock clock_;
  CachePtr cache_; ///< handlers of lookups keep the one that they began with: a dropped cache takes late answers along
  mutable std::mutex cache_changes_;                    ///< of the pointer; the loop reads it without
  mutable std::atomic<std::uint64_t> outside_hits_ = 0; ///< answers that judge_outside() found in the cache
  std::shared_ptr<LookupGate> gate_;
  std::shared_ptr<WaitingBudget> waiting_;
  std::shared_ptr<MessageMemory> messages_;
  std::shared_ptr<HoldOffKeeper> hold_off_;
  std::shared_ptr<const Watch> watch_;
  std::shared_ptr<LookupCounts> counts_;
  std::unique_ptr<dns::TlsaSource> source_;
  bool closed_ = false;                  ///< source_ is none
  std::shared_ptr<RosterKeeper> roster_; ///< may be null
  std::vector<std::unique_ptr<dns::TlsaSource>> retired_;
  boost::asio::steady_timer retirement_;
};

} // namespace danegate::service
