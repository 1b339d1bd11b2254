#include "daemon/core/auth_flow.h"

#include "daemon/core/overloaded.h"

#include <algorithm>
#include <utility>

namespace danegate::core {

namespace {

/// A name's contribution to one rule's outcome.
struct Judgement {
  Reason reason;
  std::string detail;
  std::optional<std::size_t> record;
};

/// A refusal, or the lack of a permission that the rule has to give: the mail server's next restriction then refuses.
bool keeps_out(const Outcome& outcome) noexcept {
  const bool not_permitted = outcome.rule && outcome.rule->on_pass == Action::permit && outcome.reason != Reason::match;
  return not_permitted || is_refusal(outcome.action);
}

Reason reason_of(FailureKind kind) noexcept {
  switch (kind) {
  case FailureKind::timeout: return Reason::dns_timeout;
  case FailureKind::server_failure: return Reason::dns_failure;
  case FailureKind::overload: return Reason::overload;
  }
  return Reason::dns_failure;
}

/// Authentication held: does the rule accept this identity, and may it send as this sender? An address sends as itself,
/// a domain as anybody whom the rule lets through, and where there are grants either of them only as itself or as its
/// line says. The null sender is nobody's, so whoever satisfies the rule may use it.
Reason authorise(const Rule& rule, const Identity& identity, const MailAddress& sender) {
  if (!rule.accepts(identity, sender)) return Reason::not_allowed;
  const bool itself = identity.is_address() && same_mailbox({identity.local, identity.domain}, sender);
  if (itself || sender.is_null()) return Reason::match;
  if (rule.grants) return rule.grants->allow(identity, sender) ? Reason::match : Reason::sender_not_allowed;
  return identity.is_address() ? Reason::sender_not_allowed : Reason::match;
}

Judgement judge_secure(const NameTrace& trace, const Secure& answer, const Rule* rule, const MailAddress& sender) {
  const auto& identity = trace.name->identity;
  if (answer.wildcard == Wildcard::other && !(rule && rule->names_in_full(identity)))
    return {Reason::unusable, "made by a wildcard that does not stand below an underscore label", {}};
  switch (trace.match->verdict) {
  case MatchVerdict::mismatch:
    return {Reason::mismatch, trace.requeried ? "asked again, and no record is of this key" : "", {}};
  case MatchVerdict::unusable: return {Reason::unusable, std::string(trace.match->why), {}};
  case MatchVerdict::match:
    return {rule ? authorise(*rule, identity, sender) : Reason::match, {}, trace.match->matched};
  }
  return {Reason::unusable, {}, {}};
}

Judgement judge_name(const NameTrace& trace, const Rule* rule, const MailAddress& sender, std::size_t max_records) {
  if (!trace.name) return {Reason::no_name, std::string(trace.no_name), {}};
  if (!trace.listed) return {Reason::not_listed, {}, {}};
  return std::visit(Overloaded{
                        [&](const Secure& secure) -> Judgement {
                          if (secure.records.size() + secure.malformed > max_records)
                            return {Reason::overload, "more records than limits.records-per-name", {}};
                          return judge_secure(trace, secure, rule, sender);
                        },
                        [](const Absent&) -> Judgement { return {Reason::no_record, {}, {}}; },
                        [](const Insecure&) -> Judgement { return {Reason::insecure, {}, {}}; },
                        [](const Bogus& bogus) -> Judgement { return {Reason::bogus, bogus.why, {}}; },
                        [](const Failed& failed) -> Judgement { return {reason_of(failed.kind), failed.why, {}}; },
                    },
                    trace.answer->outcome);
}

} // namespace

AuthFlow::AuthFlow(std::shared_ptr<const RuleSet> rules, Question&& question, const Ports& ports, FlowLimits limits,
                   const RosterView* roster)
    : question_(std::move(question)), ports_(ports), limits_(limits), roster_(roster) {
  decision_.rules = std::move(rules);
  decision_.service = question_.service;
  applicable_ =
      question_.rules ? *question_.rules : decision_.rules->applicable(*question_.service, question_.envelope);
  problem_ = question_.problem ? question_.problem : find_problem(question_.evidence);
  if (!problem_) make_names();
  progress();
}

void AuthFlow::make_names() {
  const auto& service = *question_.service;
  decision_.names.reserve(service.names.size());
  states_.reserve(service.names.size());
  for (const auto& name_template : service.names) {
    NameTrace trace;
    trace.from = name_template.text();
    auto name = name_template.expand(question_.claims, service.keep_case, ports_);
    auto state = NameState{};
    if (!name) {
      trace.no_name = name.error();
    } else {
      trace.duplicate = std::ranges::any_of(
          decision_.names, [&](const NameTrace& other) { return other.name && other.name->owner == name->owner; });
      if (const auto entry = decision_.rules->admits(service, *name)) {
        trace.listed = true;
        state.entry = *entry;
        if (!trace.duplicate) state.phase = Phase::wanted;
      }
      trace.name = std::move(*name);
    }
    decision_.names.push_back(std::move(trace));
    states_.push_back(state);
    if (state.phase == Phase::wanted) ask_roster(states_.size() - 1);
  }
}

/// A claimed name that the roster holds needs no lookup. One that is in grace serves without one where it matches;
/// otherwise DNS may know better by now.
void AuthFlow::ask_roster(std::size_t id) {
  if (!roster_) return;
  auto& trace = decision_.names[id];
  auto held = roster_->find(trace.name->owner);
  if (!held) return;
  if (!held->grace) {
    take_answer(trace, std::move(held->answer), true, nullptr);
    states_[id].phase = Phase::answered;
    return;
  }
  static const auto out_of_reach = std::make_shared<const TlsaAnswer>(
      TlsaAnswer{Failed{FailureKind::server_failure, "the roster's refresh failed"}, {}});
  NameTrace in_grace = trace;
  take_answer(in_grace, out_of_reach, true, std::move(held->answer));
  if (!in_grace.grace) {
    decision_.cached -= 1;
    return;
  }
  trace = std::move(in_grace);
  states_[id].phase = Phase::answered;
}

std::vector<Need> AuthFlow::take_needs() {
  std::vector<Need> needs;
  if (done_) return needs;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    auto& state = states_[i];
    if (state.phase != Phase::wanted && state.phase != Phase::wanted_fresh) continue;
    const bool fresh = state.phase == Phase::wanted_fresh;
    state.phase = fresh ? Phase::asked_fresh : Phase::asked;
    needs.push_back({i, &decision_.names[i].name->owner, state.entry, fresh});
  }
  return needs;
}

void AuthFlow::answer(std::size_t id, AnswerPtr answer, bool cached, AnswerPtr last) {
  if (done_) return; // decided without it
  auto& state = states_.at(id);
  auto& trace = decision_.names[id];
  if (state.phase == Phase::asked_fresh) trace.requeried = true;
  state.phase = Phase::answered;
  take_answer(trace, std::move(answer), cached, std::move(last));
  progress();
}

void AuthFlow::take_answer(NameTrace& trace, AnswerPtr answer, bool cached, AnswerPtr last) {
  const auto match_of = [&](const TlsaAnswer& judged) -> std::optional<MatchOutcome> {
    const auto* secure = std::get_if<Secure>(&judged.outcome);
    if (!secure || secure->records.size() > limits_.records_per_name) return std::nullopt;
    return match(*secure, question_.evidence, trace.name->owner, ports_.hash);
  };
  (cached ? decision_.cached : decision_.lookups) += 1;
  trace.match = match_of(*answer);
  trace.grace = false;
  if (last && is_unreachable(*answer)) {
    auto by_last = match_of(*last);
    if (by_last && by_last->verdict == MatchVerdict::match) {
      trace.match = std::move(by_last);
      trace.grace = true;
      answer = std::move(last);
    }
  }
  trace.cached = cached && !trace.grace; // asked again it would only fail again
  trace.answer = std::move(answer);
}

void AuthFlow::keep(std::size_t id) {
  if (done_) return;
  states_.at(id).phase = Phase::answered;
  progress();
}

void AuthFlow::expire() {
  static const auto too_late =
      std::make_shared<const TlsaAnswer>(TlsaAnswer{Failed{FailureKind::timeout, "the verdict's deadline"}, {}});
  requeried_ = true; // no time for re-queries either: what is cached counts as it is
  for (std::size_t i = 0; i < states_.size() && !done_; ++i)
    if (is_pending(states_[i])) answer(i, too_late, false);
}

bool AuthFlow::is_pending(const NameState& state) noexcept {
  return state.phase != Phase::unused && state.phase != Phase::answered;
}

/// Decides as soon as nothing that is still outstanding could change the outcome.
void AuthFlow::progress() {
  const auto has_answer = [](const NameTrace& trace) { return trace.answer != nullptr; };
  // Without an answer nothing passes, and anything else waits for all of them.
  if (std::ranges::any_of(states_, is_pending) && std::ranges::none_of(decision_.names, has_answer)) return;
  auto outcomes = judge_all();
  if (!std::ranges::all_of(outcomes, [this](const Outcome& outcome) { return settled(outcome); })) return;
  const auto not_passed = [](const Outcome& outcome) { return outcome.rule && outcome.reason != Reason::match; };
  if (roster_ && !problem_ && std::ranges::any_of(outcomes, not_passed)) {
    recognise();
    outcomes = judge_all();
  }
  if (want_requeries(outcomes)) return;

  decide(std::move(outcomes));
  done_ = true;
}

/// Of the enforced outcomes the strictest decides; rules of the envelope have one of them only.
void AuthFlow::decide(std::vector<Outcome> outcomes) {
  const auto deciding = [](const Outcome& outcome) { return outcome.mode == Mode::enforce || !outcome.rule; };
  const auto before = [&](const Outcome& a, const Outcome& b) {
    if (deciding(a) != deciding(b)) return deciding(b);
    if (strictness(a.action) != strictness(b.action)) return strictness(a.action) < strictness(b.action);
    return takes_precedence(b.reason, a.reason);
  };
  const auto strictest = std::ranges::max_element(outcomes, before);
  decision_.outcome = std::move(*strictest);
  outcomes.erase(strictest);
  for (auto& outcome : outcomes)
    (outcome.mode == Mode::monitor ? decision_.monitored : decision_.others).push_back(std::move(outcome));
}

/// A pass is, once every earlier name is in: names are judged in order, so that who the client is does not hang on
/// which answer came first. Anything else waits for all.
bool AuthFlow::settled(const Outcome& outcome) const {
  const std::size_t relevant =
      outcome.reason == Reason::match ? std::min(*outcome.name, states_.size()) : states_.size();
  return std::none_of(states_.begin(), states_.begin() + static_cast<std::ptrdiff_t>(relevant), is_pending);
}

/// The names under which the roster knows this very credential, each with the roster's answer, after the claimed ones.
void AuthFlow::recognise() {
  decision_.names.resize(states_.size());
  auto candidates = roster_->candidates(question_.evidence);
  crowded_ = candidates.more;
  lapsed_ = std::move(candidates.lapsed);
  for (auto& candidate : candidates.found) {
    const auto* const secure = std::get_if<Secure>(&candidate.held.answer->outcome);
    if (!secure || secure->records.size() > limits_.records_per_name || !is_made_here(candidate.name)) continue;
    auto outcome = match(*secure, question_.evidence, candidate.name.owner, ports_.hash);
    if (outcome.verdict != MatchVerdict::match) continue;
    NameTrace trace;
    trace.from = "the roster";
    trace.name = std::move(candidate.name);
    trace.listed = true;
    trace.answer = std::move(candidate.held.answer);
    trace.match = std::move(outcome);
    trace.cached = true;
    trace.roster = true;
    trace.grace = candidate.held.grace;
    decision_.names.push_back(std::move(trace));
  }
}

/// The roster knows names of every service.
bool AuthFlow::is_made_here(const OwnerName& name) const {
  const auto& service = *question_.service;
  return std::ranges::any_of(service.names, [&](const OwnerTemplate& name_template) {
    const auto made = name_template.name_for(name.identity, service.keep_case, ports_);
    return made && made->owner == name.owner;
  });
}

std::vector<Outcome> AuthFlow::judge_all() const {
  std::vector<Outcome> outcomes;
  outcomes.reserve(applicable_.size() + 1);
  for (const auto& applied : applicable_)
    outcomes.push_back(judge(&decision_.rules->rules()[applied.index], applied.mode));
  if (std::ranges::none_of(applicable_, [](const RuleInForce& applied) { return applied.mode == Mode::enforce; }))
    outcomes.push_back(judge(nullptr, question_.service->mode));
  return outcomes;
}

Outcome AuthFlow::judge(const Rule* rule, Mode mode) const {
  Outcome outcome;
  outcome.rule = rule;
  outcome.mode = mode;
  outcome.reason = Reason::no_name;
  if (problem_) {
    outcome.reason = problem_->reason;
    outcome.detail = problem_->detail;
  } else {
    judge_claims(outcome);
    if (rule && roster_ && outcome.reason != Reason::match) judge_roster(outcome);
    if (rule && roster_ && outcome.reason != Reason::match) judge_doubt(outcome);
  }
  if (rule)
    outcome.action = rule->action_for(outcome.reason);
  else // a service in monitor mode refuses nothing
    outcome.action = mode == Mode::monitor || question_.rules ? Action::tag : question_.service->default_action;
  return outcome;
}

void AuthFlow::judge_claims(Outcome& outcome) const {
  bool judged = false;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const auto& trace = decision_.names[i];
    if (trace.duplicate || (trace.listed && !trace.answer)) continue;
    auto judgement = judge_name(trace, outcome.rule, question_.envelope.sender, limits_.records_per_name);
    if (judged && !takes_precedence(judgement.reason, outcome.reason)) continue;
    judged = true;
    outcome.reason = judgement.reason;
    outcome.detail = std::move(judgement.detail);
    outcome.record = judgement.record;
    outcome.name = i;
    if (outcome.reason == Reason::match) break;
  }
}

/// A key that nobody's claim led to counts for the identities that this rule names in full. Who has it under several is
/// let in as what fits, and named as none of them.
void AuthFlow::judge_roster(Outcome& outcome) const {
  std::vector<Identity> fitting;
  for (std::size_t i = states_.size(); i < decision_.names.size(); ++i) {
    const auto& trace = decision_.names[i];
    if (!outcome.rule->names_in_full(trace.name->identity)) continue;
    const auto reason = authorise(*outcome.rule, trace.name->identity, question_.envelope.sender);
    const bool is_new = std::ranges::find(fitting, trace.name->identity) == fitting.end();
    if (reason == Reason::match && is_new) fitting.push_back(trace.name->identity);
    if (!takes_precedence(reason, outcome.reason)) continue;
    outcome.reason = reason;
    outcome.detail = "known by its key";
    outcome.record = trace.match->matched;
    outcome.name = i;
  }
  if (fitting.size() < 2) return;
  outcome.several = true;
  outcome.detail = "known by its key as each of";
  for (const auto& identity : fitting)
    outcome.detail += ' ' + identity.text();
}

/// No hit says nothing while one of those who could have been hit is not known.
void AuthFlow::judge_doubt(Outcome& outcome) const {
  auto doubt = roster_->doubt(*outcome.rule, *question_.service);
  const auto lapsed = std::ranges::count_if(
      lapsed_, [&](const OwnerName& name) { return outcome.rule->names_in_full(name.identity) && is_made_here(name); });
  doubt.unresolved = std::max(doubt.unresolved, static_cast<std::size_t>(lapsed));
  const auto reason = doubt.unresolved > 0 ? doubt.reason : Reason::overload;
  const bool doubtful = doubt.unresolved > 0 || (crowded_ && outcome.rule->names_some_in_full());
  if (!doubtful || !takes_precedence(reason, outcome.reason)) return;
  outcome.reason = reason;
  outcome.detail = doubt.unresolved > 0
                       ? "not resolved, of the names of this rule's identities: " + std::to_string(doubt.unresolved)
                       : "more identities than are looked at have this key";
  outcome.record.reset();
  outcome.name.reset();
}

/// A cached answer may be stale: before a refusal rests on one it is asked for again, once per verdict.
bool AuthFlow::want_requeries(const std::vector<Outcome>& outcomes) {
  if (requeried_) return false;
  if (!std::ranges::any_of(outcomes, keeps_out)) return false;
  requeried_ = true;
  bool wanted = false;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const auto& trace = decision_.names[i];
    if (!trace.answer || !trace.cached || !is_definite(*trace.answer)) continue;
    states_[i].phase = Phase::wanted_fresh;
    wanted = true;
  }
  return wanted;
}

Decision AuthFlow::take() {
  return std::move(decision_);
}

} // namespace danegate::core
