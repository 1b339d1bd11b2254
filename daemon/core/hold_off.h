// Which names are not asked for now, because nothing answers for the zone that they are in.
//
// Every lookup of a dead zone costs seconds and a slot; a client can make up a new name for each. So names are held off
// by their parents. A name's first parent is the parent of its identity's domain: of `_smtp-client.mta1.acme.example`
// that is `acme.example`. Where other labels stand before the underscore label (a sender's hash, a device), those are
// the first labels of the identity, and what follows the underscore label is the parent. What stands above the first
// parent counts as well, where it has two to six labels (so a client gains nothing by deep names): the Internet's top
// level is never held off.
//
// Failures alone hold off nobody. Anybody can make names fail under a parent that is not his own: he claims names in a
// neighbour's slow corner, or has a sub-zone there delegated to servers that are silent. So after `threshold` failures
// the parent itself is asked for (a probe), and only if that fails as well, are the names below it held off. Whoever
// does not rule a parent's servers cannot make it fail. While a parent is held off it is probed again and again, one
// lookup at a time, and the first definite answer ends it.
//
// Never held off: a name that answered within max-ttl; and of the parents, one that is alive by the same measure
// shields what is directly below it from what is held off above it.
//
// Life cycle: one object for a resolver. The driver feeds what lookups brought, asks check() before each lookup, and
// asks for whatever take_probes() says. Time is an argument; not thread-safe; everything is bounded.
#pragma once

#include "daemon/core/recent_names.h"
#include "daemon/core/tlsa_answer.h"

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace danegate::core {

/// The first parent, then what is above it and short enough; each has two labels at least. See above.
std::vector<DnsName> parents_of(const DnsName& owner);

class HoldOff {
public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr unsigned threshold = 3; ///< failures within `window`
  static constexpr std::chrono::seconds window{120};
  static constexpr std::chrono::seconds spared{60};     ///< after a probe that was answered, failures do not count
  static constexpr std::chrono::seconds probe_every{5}; ///< while held off, after the last one has failed
  static constexpr std::chrono::minutes unused{10};     ///< a hold-off that nobody met for so long is dropped
  static constexpr std::size_t max_counted = 4096;      ///< parents whose failures are counted
  static constexpr std::size_t max_wanted = 64;         ///< parents that wait for their first probe
  static constexpr std::size_t max_held = 256;
  static constexpr std::size_t max_probes = 32; ///< under way
  static constexpr std::size_t max_answered = 65536;

  /// `max_ttl`: how long a name counts as one that answers.
  explicit HoldOff(std::chrono::seconds max_ttl) : answered_(max_ttl, max_answered), denied_(max_ttl, max_answered) {}

  /// Null: ask. Otherwise the answer: the last failure under the parent that is held off.
  AnswerPtr check(const DnsName& owner, Time now);

  /// What a lookup of `owner` brought, perhaps late. Overload says nothing about the name.
  void learn(const DnsName& owner, const AnswerPtr& answer, Time now);

  /// The parents that are to be asked for now; each of them until probed().
  std::vector<DnsName> take_probes(Time now);

  struct Change {
    enum class Kind : std::uint8_t { begun, ended, forgotten };

    Kind kind;
    DnsName parent;
    AnswerPtr last;              ///< the failure that began it, or the last one
    std::chrono::seconds lasted; ///< so far
    std::size_t refused;         ///< lookups that were not made
  };

  std::optional<Change> probed(const DnsName& parent, const AnswerPtr& answer, Time now);

  /// Drops what nobody met for `unused`.
  std::vector<Change> forget(Time now) { return forget_met_before(now - unused, now); }

  /// Drops every hold-off.
  std::vector<Change> forget_all(Time now) { return forget_met_before(now, now); }

  /// Drops the hold-offs that keep this name from being asked for, and the failures counted towards others: somebody
  /// knows that its servers are back.
  std::vector<Change> release(const DnsName& owner, Time now);

  struct HeldZone {
    DnsName parent;
    AnswerPtr last;                                 ///< how the last lookup or probe failed
    std::chrono::seconds lasted;                    ///< so far
    std::optional<std::chrono::seconds> next_probe; ///< until then; absent: one is under way
    std::size_t refused;                            ///< lookups that were not made
  };

  /// What is held off now, at most max_held of them, by name.
  std::vector<HeldZone> held_zones(Time now) const;

  /// Probes under way.
  std::size_t probes() const noexcept { return asked_.size(); }

  /// True while take_probes() and forget() have to be called now and then.
  bool active() const noexcept { return !wanted_.empty() || !held_.empty(); }

  bool is_held(const DnsName& parent) const { return held_.contains(parent); }

  /// True if some parent waits for its first probe.
  bool wants_probes() const noexcept { return !wanted_.empty(); }

  std::size_t held() const noexcept { return held_.size(); }

  std::size_t counted() const noexcept { return counts_.size(); }

private:
  struct Count {
    unsigned failures = 0;
    Time since;
    Time spared_until;
    std::list<DnsName>::iterator place;
  };

  struct Hold {
    AnswerPtr answer; ///< what verdicts get
    AnswerPtr last;
    Time since;
    Time next_probe;
    Time met;
    std::size_t refused = 0;
  };

  using Held = std::unordered_map<DnsName, Hold>;

  Count& count_of(const DnsName& parent);

  bool answers(const DnsName& name, Time now) const {
    return answered_.contains(name, now) || denied_.contains(name, now);
  }

  bool has_ancestor_that_waits(const DnsName& parent) const;
  std::vector<Change> forget_met_before(Time then, Time now);
  void take_wanted(std::vector<DnsName>& probes);
  static Change change(Change::Kind kind, const DnsName& parent, const Hold& hold, Time now);

  std::unordered_map<DnsName, Count> counts_;
  std::list<DnsName> counted_;          ///< keys of counts_; the front goes first
  std::map<DnsName, AnswerPtr> wanted_; ///< to be probed, and how it failed last
  std::map<DnsName, AnswerPtr> asked_;  ///< probes under way
  Held held_;
  RecentNames answered_; ///< names with records, and their first parents
  RecentNames denied_;   ///< the same of other answers: those can be had for names that a client makes up
};

} // namespace danegate::core
