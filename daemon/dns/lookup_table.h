// Who waits for which lookup: the promise of tlsa_source.h, kept without knowing who answers.
//
// Equal lookups are one. Every waiter has a deadline of its own, `timeout` after it joined; at the latest then it is
// told Failed{timeout}, while the lookup and its leases stay until finish(). Every handler is called exactly once, on
// the loop's thread, never inside join(); a handler may join again, or destroy whoever owns this table.
//
// Life cycle: make() it, join() and finish(), close() it once; close() completes every waiter before it returns. Not
// thread-safe: all of it on the loop's thread.
#pragma once

#include "daemon/dns/tlsa_source.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace danegate::dns {

struct LookupKey {
  core::DnsName name;
  Freshness freshness;

  friend bool operator==(const LookupKey&, const LookupKey&) = default;
};

struct LookupKeyHash {
  std::size_t operator()(const LookupKey& key) const noexcept {
    return std::hash<core::DnsName>{}(key.name) ^ static_cast<std::size_t>(key.freshness);
  }
};

class LookupTable : public std::enable_shared_from_this<LookupTable> {
public:
  static std::shared_ptr<LookupTable> make(boost::asio::io_context& loop, std::chrono::milliseconds timeout);

  /// True: nobody asks this yet. The caller then starts the lookup, and ends it with finish().
  [[nodiscard]] bool join(const LookupKey& key, AnswerHandler handler, Lease lease);

  /// Frees the slot and its leases, then tells those who still wait. If nobody does, an answer that is not Failed goes
  /// to the late-answer handler: what the waiters were told, that time was up, is no worse than a failure. Nothing
  /// happens if there is no such lookup.
  void finish(const LookupKey& key, core::AnswerPtr answer);

  void set_late_answer_handler(LateAnswerHandler handler) { late_answer_ = std::move(handler); }

  /// Completes every waiter with `answer`. What joins from now on is told the same.
  void close(core::AnswerPtr answer);

  std::size_t size() const noexcept { return lookups_.size(); }

private:
  using Clock = std::chrono::steady_clock;

  /// One handler, called or taken at most once.
  struct Waiter {
    AnswerHandler handler; ///< empty once it was taken
  };

  struct Lookup {
    std::vector<std::shared_ptr<Waiter>> waiters;
    std::vector<Lease> leases;
  };

  /// In the order of joining, which is the order of the deadlines: the timeout is the same for all.
  struct Deadline {
    Clock::time_point at;
    std::weak_ptr<Waiter> waiter; ///< expired: answered already
  };

  LookupTable(boost::asio::io_context& loop, std::chrono::milliseconds timeout);

  void complete(Waiter& waiter, const core::AnswerPtr& answer);
  void run_ready();
  void arm();
  void on_timer();

  boost::asio::io_context& loop_;
  std::chrono::milliseconds timeout_;
  boost::asio::steady_timer timer_;
  bool armed_ = false;
  LateAnswerHandler late_answer_;
  std::unordered_map<LookupKey, Lookup, LookupKeyHash> lookups_;
  std::deque<Deadline> deadlines_;
  std::deque<std::pair<AnswerHandler, core::AnswerPtr>> ready_; ///< to be called by run_ready()
  core::AnswerPtr timed_out_;
  core::AnswerPtr closed_; ///< set by close()
};

} // namespace danegate::dns
