// The heart: one verdict, without I/O, clock or thread.
//
// Life cycle: construct with the question; loop { hand every need() to DNS or the cache and feed the answers back with
// answer(), in any order, each need exactly once } until done(); then take() the decision. New needs may appear after
// an answer (re-queries). The policy coroutine, the milter's threads, `danegate explain` and the tests all drive this
// object. Not thread-safe; one driver at a time.
//
// Where there is a roster (roster_view.h), a claimed name that it holds is answered from it, and where no claim lets a
// rule pass, the identities that the rule names in full are searched for the credential itself. While one of those is
// not known, a credential without a hit is temperror.
//
// A session without TLS, without a credential or with unreadable evidence is decided in the constructor: no name is
// looked up for it.
#pragma once

#include "daemon/core/claims.h"
#include "daemon/core/decision.h"
#include "daemon/core/evidence.h"
#include "daemon/core/roster_view.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace danegate::core {

struct Question {
  const Service* service; ///< of the rule set that the flow is given
  Evidence evidence;
  Claims claims;
  Envelope envelope;
  /// Judge by these, whatever their conditions, and by nothing else: rules with `from`. Absent: by the rules whose
  /// conditions hold for the envelope, and by the service's default where none is enforced.
  std::optional<std::vector<RuleInForce>> rules{};
  /// Why the evidence cannot be judged, where the front end knows better than find_problem().
  std::optional<EvidenceProblem> problem{};
  /// Which message this is about, for the driver: within one, a name is waited for once. Empty: not known.
  std::string message{};
};

struct FlowLimits {
  std::size_t records_per_name = 64; ///< more in one answer: temperror overload
};

struct Need {
  std::size_t id;      ///< to be handed back with the answer
  const DnsName* name; ///< valid until take()
  ListEntry entry;     ///< which list entry admitted it
  bool fresh;          ///< a re-query: the cached answer must not serve
};

class AuthFlow {
public:
  /// `roster` may be null, and must outlive the flow otherwise.
  AuthFlow(std::shared_ptr<const RuleSet> rules, Question&& question, const Ports& ports, FlowLimits limits,
           const RosterView* roster = nullptr);

  const Question& question() const noexcept { return question_; }

  bool done() const noexcept { return done_; }

  /// Lookups that are wanted now and were not handed out before. Empty while answers are outstanding, or when done.
  std::vector<Need> take_needs();

  /// The answer to a need. `cached`: it was made before this verdict began, so a refusal may not rest on it unasked.
  /// `last`: where it is a failure, the last secure answer, which `dns.grace` lets serve. It serves only where it
  /// matches: a mismatch may be a key that has rolled since, and no refusal rests on it.
  void answer(std::size_t id, AnswerPtr answer, bool cached, AnswerPtr last = nullptr);

  /// A re-query could not be made (asked again too recently): the cached answer counts as it is.
  void keep(std::size_t id);

  /// The deadline has come: everything outstanding counts as failed (timeout). done() afterwards.
  void expire();

  /// Only when done(), once.
  Decision take();

  /// The question of a flow that is given up.
  Question give_up() && { return std::move(question_); }

private:
  enum class Phase : std::uint8_t { unused, wanted, asked, wanted_fresh, asked_fresh, answered };

  struct NameState {
    Phase phase = Phase::unused;
    ListEntry entry = 0;
  };

  static bool is_pending(const NameState& state) noexcept;

  void make_names();
  void ask_roster(std::size_t id);
  void recognise();
  bool is_made_here(const OwnerName& name) const;
  std::vector<Outcome> judge_all() const;
  void judge_claims(Outcome& outcome) const;
  void judge_roster(Outcome& outcome) const;
  void judge_doubt(Outcome& outcome) const;
  void take_answer(NameTrace& trace, AnswerPtr answer, bool cached, AnswerPtr last);
  void progress();
  void decide(std::vector<Outcome> outcomes);
  bool settled(const Outcome& outcome) const;
  Outcome judge(const Rule* rule, Mode mode) const;
  bool want_requeries(const std::vector<Outcome>& outcomes);

  Question question_;
  Ports ports_;
  FlowLimits limits_;
  const RosterView* roster_;
  Decision decision_;
  std::optional<EvidenceProblem> problem_;
  std::vector<RuleInForce> applicable_;
  std::vector<NameState> states_; ///< parallel to decision_.names; what the roster recognised comes after those
  std::vector<OwnerName> lapsed_; ///< the roster had the key under these names, and does not know them now
  bool crowded_ = false;          ///< the roster has the key under more names than it looked at
  bool requeried_ = false;
  bool done_ = false;
};

} // namespace danegate::core
