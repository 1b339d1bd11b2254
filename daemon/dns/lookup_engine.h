// Which context answers a lookup, and what becomes of the reply.
//
// The main context keeps what it learns for up to max_ttl. Freshness::fresh asks another one, with empty caches at
// first, which is replaced as soon as it is min_ttl old: nothing that it says was older than that when the lookup
// began. A name that was asked for freshly stays with the fresh context for max_ttl: the main one may hold an older
// answer.
//
// Signatures that are made to be wrong, and many, cost libunbound far more than others do, and one context validates on
// one thread: thirty lookups of that kind at a time made everybody else's wait for half a second (measured, with
// colliding key tags, CVE-2023-50387). So once an answer was bogus, the names of its domain go to a context of their
// own for suspect_window, whose thread has a low priority. Nobody is refused anything by that; so it does no harm that
// the domain is simply the last two labels.
//
// An answer's TTL runs from the beginning of its lookup (RFC 1035 section 3.2.1 has it run from when the record was
// fetched, libunbound from when it was validated, which may be long after that).
//
// Life cycle: make(), resolve() and so on, close() once, which completes every waiter. Loop's thread only.
#pragma once

#include "daemon/dns/lookup_table.h"
#include "daemon/dns/refreshed_names.h"
#include "daemon/dns/resolver_context.h"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

namespace danegate::dns {

class LookupEngine : public std::enable_shared_from_this<LookupEngine> {
public:
  using Clock = std::chrono::steady_clock;
  using WarningHandler = std::function<void(std::string_view)>;

  /// Contexts that were replaced while queries were under way in them. Past this many the oldest is given up: it
  /// is so old that all its waiters have been told that time is up.
  static constexpr std::size_t max_retired = 8;

  static constexpr std::chrono::minutes suspect_window{10};
  static constexpr std::size_t max_suspects = 4096; ///< domains

  struct Parts {
    MakeContext make_context;
    WarningHandler warn; ///< may be empty
    std::function<Clock::time_point()> now = [] { return Clock::now(); };
  };

  struct Times {
    std::chrono::milliseconds timeout;
    std::chrono::seconds min_ttl;
    std::chrono::seconds max_ttl; ///< of positive answers and denials, the longer one
  };

  /// Throws what make_context throws.
  static std::shared_ptr<LookupEngine> make(boost::asio::io_context& loop, Times times, Parts parts);

  void resolve(const core::DnsName& name, Freshness freshness, AnswerHandler handler, Lease lease);

  /// What is asked for this name from now on goes to a context that knows nothing yet, unless so many of those were
  /// replaced while queries were under way in them that the fresh one has to stay for its min_ttl.
  void forget(const core::DnsName& name);

  /// The same for every name: the main context is replaced, too. Throws what make_context throws.
  void forget_all();

  void set_late_answer_handler(LateAnswerHandler handler) { table_->set_late_answer_handler(std::move(handler)); }

  std::size_t in_flight() const noexcept { return table_->size(); }

  /// One query to the main context, past everything else.
  void ask(const std::string& name, std::uint16_t type, Continuation then);

  void close();

private:
  LookupEngine(boost::asio::io_context& loop, Times times, Parts parts);

  ResolverContext& context(Freshness freshness);
  ResolverContext& serving(std::shared_ptr<ResolverContext>& context, ThreadPriority priority) const;
  bool is_good_fresh(Clock::time_point now);
  void retire(std::shared_ptr<ResolverContext> context);
  void forget_idle();
  void refuse(const LookupKey& key, const std::string& why);

  /// One query of a lookup.
  struct Asked {
    LookupKey key;
    ResolverContext& context;
    Clock::time_point begun; ///< of the lookup
  };

  void take(const Asked& asked, const UnboundReply& reply);
  void confirm_opt_out(const Asked& asked, FoldedAnswer folded);
  void finish(const Asked& asked, core::TlsaAnswer answer);

  boost::asio::io_context& loop_;
  Times times_;
  Parts parts_;
  std::shared_ptr<LookupTable> table_;
  std::shared_ptr<ResolverContext> main_;
  std::shared_ptr<ResolverContext> aside_; ///< for the names of suspects; null until the first one
  std::shared_ptr<ResolverContext> fresh_; ///< null until the first fresh lookup
  Clock::time_point fresh_since_{};
  bool outdated_ = false;                               ///< something that fresh_ may know was to be forgotten
  std::list<std::shared_ptr<ResolverContext>> retired_; ///< oldest first; were in use, have queries under way
  RefreshedNames refreshed_;
  core::RecentNames suspects_{suspect_window, max_suspects};
};

} // namespace danegate::dns
