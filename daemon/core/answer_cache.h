// A bounded cache of TLSA answers, least recently used out first. Time is an argument; not thread-safe.
//
// TTLs are honoured and clamped: secure and insecure answers to [min_ttl, max_ttl], denials to [min_ttl,
// negative_max_ttl] (RFC 2308 section 5), bogus and failed answers are remembered for failure_ttl. An entry is valid
// only while written-at <= now < expiry, so a clock set back revives nothing. A secure answer never outlives its
// signatures.
#pragma once

#include "daemon/core/dns_name.h"
#include "daemon/core/tlsa_answer.h"

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <unordered_map>

namespace danegate::core {

using TimePoint = std::chrono::sys_time<std::chrono::milliseconds>;

struct CacheLimits {
  std::size_t entries = 100000;
  std::chrono::seconds min_ttl{30};
  std::chrono::seconds max_ttl{3600};
  std::chrono::seconds negative_max_ttl{300};
  std::chrono::seconds failure_ttl{30};
  std::chrono::seconds grace{0}; ///< `dns.grace`

  friend bool operator==(const CacheLimits&, const CacheLimits&) = default;
};

/// How long an answer serves, its signatures aside.
std::chrono::seconds clamped_ttl(const TlsaAnswer& answer, const CacheLimits& limits) noexcept;

class AnswerCache {
public:
  explicit AnswerCache(CacheLimits limits);

  struct Hit {
    AnswerPtr answer;
    std::chrono::seconds remaining;
    AnswerPtr last{}; ///< of a failure: see last_secure()
  };

  /// nullopt if there is no valid entry. Overload is never cached: it says nothing about the name.
  std::optional<Hit> find(const DnsName& name, TimePoint now);

  /// What find() would say; but an answer that is over stays. Changes the order of use, and nothing that peek() reads.
  std::optional<Hit> use(const DnsName& name, TimePoint now);

  /// What find() would say; nothing is changed by it.
  std::optional<Hit> peek(const DnsName& name, TimePoint now) const;

  /// Replaces what was there. A failed or bogus answer replaces a valid secure, absent or insecure one never: that one
  /// still holds for its TTL; the failure is remembered beside it, for requery().
  void store(const DnsName& name, AnswerPtr answer, TimePoint now);

  /// As store(), but only where something is stored for the name.
  void update(const DnsName& name, const AnswerPtr& answer, TimePoint now) {
    if (entries_.contains(name)) store(name, answer, now);
  }

  /// The last secure answer for a name whose lookups fail since it expired: `dns.grace` lets it serve until
  /// min(expiry + grace, the end of its signatures), never after a proven denial. Null: there is none. Only for lookups
  /// that is_unreachable() holds for.
  AnswerPtr last_secure(const DnsName& name, TimePoint now) const;

  /// What to do before a refusal rests on a cached answer.
  struct Requery {
    bool ask = false;  ///< ask for it again; true at most once per min_ttl and name of which something is cached
    AnswerPtr failure; ///< how the last attempt failed, less than failure_ttl ago; null: what is cached counts
  };

  /// Nothing is asked again where the cache holds a failure (the older answer is the roster's then): remembering it is
  /// the point. After an attempt that failed nothing was learned: neither does a refusal rest on the older answer, nor
  /// is a dead zone asked for every message.
  Requery requery(const DnsName& name, TimePoint now);

  /// The attempt that requery() allowed was not made after all (no room): the next one may be.
  void requery_not_made(const DnsName& name);

  /// A re-query was answered: the next one may not be made for min_ttl, whether or not the first one is still known.
  void note_requery(const DnsName& name, TimePoint now);

  /// Forgets all about one name. False: nothing was known of it.
  bool erase(const DnsName& name);

  void clear();

  std::size_t size() const noexcept { return entries_.size(); }

  /// The TTL after clamping.
  std::chrono::seconds clamp(const TlsaAnswer& answer) const noexcept { return clamped_ttl(answer, limits_); }

private:
  struct Entry;

  TimePoint expiry_of(const TlsaAnswer& answer, TimePoint now) const;
  /// Of an entry that is valid now.
  Hit hit(const Entry& entry, TimePoint now) const;
  static bool is_valid(const Entry& entry, TimePoint now) noexcept;
  bool in_grace(const Entry& entry, TimePoint now) const;
  static void keep_last(Entry& entry, TimePoint until);
  TimePoint grace_end(const Entry& entry) const;

  struct Entry {
    AnswerPtr answer;
    TimePoint written;
    TimePoint expiry;
    std::optional<TimePoint> requeried;
    AnswerPtr failure; ///< of a re-query; null: none since the answer was written
    TimePoint failed_at;
    AnswerPtr last; ///< beside an answer that is a failure: the last secure one
    TimePoint last_written;
    TimePoint last_until; ///< with grace
    std::list<DnsName>::iterator recency;
  };

  CacheLimits limits_;
  std::list<DnsName> recency_; ///< front: most recently used
  std::unordered_map<DnsName, Entry> entries_;
};

} // namespace danegate::core
