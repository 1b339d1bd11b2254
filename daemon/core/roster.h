// What is known of the names of a RosterPlan, and when each has to be asked for again.
//
// A name's life: it is added by a plan, handed out by take_due() to be resolved, and store() takes what came of it. A
// definite answer is valid while written <= now < expiry (TTLs clamped as the answer cache does, never past the end of
// the signatures), so a clock set back revives nothing. It becomes due again between 3/4 and 7/8 of its life, spread by
// a hash of the name. Where DNS could not tell, the name is due again after failure_ttl, twice that, and so on to
// max_backoff; what was known stays valid until its expiry, and in grace after that (`dns.grace`).
//
// Counts of unresolved names per rule and service are kept as things happen, so a verdict asks for them at no cost.
//
// Memory: about 100 octets for a name and the blocks of its records (compact_answer.h). Time is an argument. Not
// thread-safe.
#pragma once

#include "daemon/core/answer_cache.h"
#include "daemon/core/compact_answer.h"
#include "daemon/core/digest_index.h"
#include "daemon/core/due_times.h"
#include "daemon/core/roster_plan.h"
#include "daemon/core/roster_view.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace danegate::core {

struct RosterLimits {
  CacheLimits ttl; ///< all but `entries`
  std::size_t records_per_name = 64;
  std::chrono::seconds signature_warning{2 * 86400};
  /// A refresh begins so long before the expiry at the latest, but not in the first half of a life: that it fails has
  /// to be known when `dns.grace` is to begin.
  std::chrono::milliseconds lead{0};

  friend bool operator==(const RosterLimits&, const RosterLimits&) = default;
};

/// What is wrong with a name's records, for its operator: a set of these.
enum class RosterFlaw : std::uint8_t {
  no_record = 1,           ///< absent or insecure
  unusable = 2,            ///< no record can be judged by digest: usage 3 with a known selector and matching type
  single_record = 4,       ///< no next key is published beside the current one
  signatures_end_soon = 8, ///< within dns.signature-warning
  shared = 16,             ///< an unrelated identity has the same digest: digests are public, anyone can publish them
  too_large = 32,          ///< more than is kept of one name
};

/// What store() has changed.
struct RosterChange {
  std::uint8_t raised = 0;                   ///< flaws that were not there before
  std::optional<RosterPlan::Number> sharing; ///< with RosterFlaw::shared, one that has the digest, too
};

struct RosterCounts {
  std::size_t secure = 0;
  std::size_t absent = 0;
  std::size_t insecure = 0;
  std::size_t unresolved = 0; ///< or expired
};

/// One answer with its times, as the state file keeps it.
struct RosterRecord {
  TimePoint written;
  std::chrono::milliseconds life; ///< expiry - written
  TlsaAnswer answer;              ///< definite; `ttl` as DNS said it
};

class Roster {
public:
  using Number = RosterPlan::Number;

  static constexpr std::size_t max_candidates = 256;          ///< names of one digest that a verdict looks at
  static constexpr std::chrono::seconds max_backoff{15 * 60}; ///< between attempts at a name that fails

  Roster(std::shared_ptr<const RosterPlan> plan, RosterLimits limits, HashFunction hash, TimePoint now);

  /// A new plan. What it still names stays known if it is based on the present one; otherwise everything is dropped.
  void use(std::shared_ptr<const RosterPlan> plan, RosterLimits limits, TimePoint now);

  const std::shared_ptr<const RosterPlan>& plan() const noexcept { return plan_; }

  // For verdicts.
  std::optional<RosterAnswer> find(const DnsName& owner, TimePoint now) const;
  /// What is known of a name, valid or not, if it may serve by `dns.grace`; null otherwise.
  AnswerPtr last_secure(const DnsName& owner, TimePoint now) const;
  RosterCandidates candidates(const Evidence& evidence, TimePoint now) const;
  RosterDoubt doubt(std::size_t group, TimePoint now);

  // For whoever resolves.
  struct Due {
    Number number;
    bool again; ///< something definite was known of it: what is asked for is news
  };

  /// The next name to be resolved, marked as being so until store(); nullopt: none now.
  std::optional<Due> take_due(TimePoint now);
  /// It was not resolved after all.
  void put_back(Number number);
  /// The name, or each one, is to be resolved anew as soon as its turn comes. What is known of it serves on until then.
  void refresh(Number number);
  void refresh_all();
  /// What came of take_due().
  RosterChange store(Number number, const TlsaAnswer& answer, TimePoint now);
  /// What somebody else was told about a name; nothing happens if the plan does not have it. Of a failure only the fact
  /// is noted: when to ask again is not up to clients that claim the name.
  RosterChange learn(Number number, const TlsaAnswer& answer, TimePoint now);
  /// An answer of before. Ignored unless it is valid now and nothing is known yet.
  void restore(Number number, const RosterRecord& record, TimePoint now);
  /// What is valid now of this name, for restore().
  std::optional<RosterRecord> record_of(Number number, TimePoint now) const;

  /// Notes the passing of time. Called by the others as needed; take_due() calls it.
  void advance(TimePoint now);

  RosterCounts counts() const noexcept;
  /// Linear in the number of names (a few milliseconds for a million); nullopt: no secure answer has signatures.
  std::optional<std::chrono::sys_seconds> soonest_signature_end() const;

  /// Grows with every change of what is known.
  std::uint64_t revision() const noexcept { return revision_; }

private:
  enum class Kind : std::uint8_t { none, secure, absent, insecure };

  struct Slot {
    std::unique_ptr<std::uint8_t[]> records; ///< NOLINT: of Kind::secure, compact
    std::int64_t written = 0;                ///< milliseconds
    std::uint32_t life = 0;                  ///< milliseconds
    std::uint32_t ttl = 0;                   ///< seconds, as DNS said it
    std::uint32_t signatures_end = 0;        ///< seconds; 0: none
    std::uint32_t length = 0;                ///< of records
    DigestIndex::Node digests = DigestIndex::none;
    std::uint8_t flaws = 0;
    std::uint8_t failures = 0; ///< since the last definite answer
  };

  struct State {
    Kind kind : 2 = Kind::none;
    bool counted : 1 = false;   ///< as resolved
    bool waiting : 1 = false;   ///< in ready_
    bool asked : 1 = false;     ///< handed out by take_due()
    bool reachable : 1 = true;  ///< false: the last attempt was answered by nobody
    bool timed_out : 1 = false; ///< then: by a timeout
  };

  struct Group {
    std::size_t names = 0;
    std::size_t resolved = 0;
    Reason last_failure = Reason::dns_failure;
  };

  static std::int64_t milliseconds_of(TimePoint time) noexcept { return time.time_since_epoch().count(); }

  std::int64_t expiry_of(const Slot& slot) const noexcept { return slot.written + slot.life; }

  bool is_valid(Number number, std::int64_t now) const noexcept;
  bool in_grace(Number number, std::int64_t now) const noexcept;
  AnswerPtr answer_of(Number number) const;
  std::uint8_t flaws_of(const TlsaAnswer& answer, TimePoint now) const noexcept;

  void count_all();
  void count(Number number, bool resolved);
  void queue(Number number);
  void forget(Number number);
  void keep(Number number, const TlsaAnswer& answer, TimePoint written, std::chrono::milliseconds life);
  void plan_refresh(Number number);
  void drop(Number number);
  void clean(std::size_t most);
  void mark_failure(Number number, const TlsaAnswer& answer);
  void retry_later(Number number, std::int64_t now);
  void look_at(Number number, std::int64_t now);
  void after_set_back(std::int64_t now);
  std::optional<Number> index_digests(Number number, const Secure& answer);
  std::optional<Number> next_added();

  std::shared_ptr<const RosterPlan> plan_;
  RosterLimits limits_;
  HashFunction hash_;
  std::vector<Slot> slots_; ///< by number, as states_
  std::vector<State> states_;
  std::vector<Group> groups_;
  std::array<std::size_t, 4> kinds_{}; ///< valid ones, by Kind; of none: the unresolved
  DigestIndex digests_;
  DueTimes due_;
  std::vector<Number> garbage_; ///< of numbers that were forgotten, what they held is freed a bit at a time
  std::deque<Number> ready_;    ///< due, waiting for their turn
  std::size_t next_added_ = 0;  ///< in plan_->added(): never asked for yet
  bool added_turn_ = false;
  std::int64_t latest_ = INT64_MIN;         ///< the latest time that was seen
  std::int64_t latest_written_ = INT64_MIN; ///< of an answer
  std::uint64_t revision_ = 0;
};

} // namespace danegate::core
