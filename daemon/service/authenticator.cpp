#include "daemon/service/authenticator.h"

#include "daemon/service/closed_source.h"
#include "daemon/service/lookup_gate.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace danegate::service {

namespace asio = boost::asio;

namespace {

/// How often it is looked whether a retired source has finished.
constexpr std::chrono::seconds retirement_check{1};

core::AnswerPtr overload(Bound bound) {
  return std::make_shared<const core::TlsaAnswer>(
      core::TlsaAnswer{core::Failed{core::FailureKind::overload, std::string(name_of(bound))}, {}});
}

bool has_more_than(std::size_t records, const core::TlsaAnswer& answer) noexcept {
  const auto* const secure = std::get_if<core::Secure>(&answer.outcome);
  return secure && secure->records.size() + secure->malformed > records;
}

/// A verdict's share of its client's waiting.
class Waiting {
public:
  Waiting(std::shared_ptr<WaitingBudget> budget, core::IpAddress client)
      : budget_(std::move(budget)), client_(client) {}

  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  ~Waiting() { budget_->end(client_, std::chrono::steady_clock::now()); }

private:
  std::shared_ptr<WaitingBudget> budget_;
  core::IpAddress client_;
};

} // namespace

/// One that cannot be given at once. Shared by the coroutine and the handlers of its lookups, which may come after it
/// has ended.
struct Authenticator::Verdict {
  Verdict(asio::io_context& loop, config::ConfigPtr snapshot, std::shared_ptr<const RosterReader> reader,
          core::AuthFlow&& begun)
      : config(std::move(snapshot)), deadline(std::chrono::steady_clock::now() + config->limits.deadline),
        roster(std::move(reader)), flow(std::move(begun)), wake(loop) {}

  const std::optional<core::IpAddress>& client() const noexcept { return flow.question().envelope.client; }

  const std::string& message() const noexcept { return flow.question().message; }

  config::ConfigPtr config;
  std::chrono::steady_clock::time_point deadline;
  std::shared_ptr<const RosterReader> roster; ///< the flow's
  std::optional<Waiting> waiting;             ///< from the first lookup to the end of the verdict
  core::AuthFlow flow;
  asio::steady_timer wake;
};

Authenticator::Authenticator(asio::io_context& loop, config::ConfigPtr config, std::unique_ptr<dns::TlsaSource> source,
                             core::Ports ports, Clock clock)
    : loop_(loop), config_(std::move(config)), ports_(ports), clock_(std::move(clock)),
      cache_(std::make_shared<AnswerStore>(config_->cache)), gate_(std::make_shared<LookupGate>()),
      waiting_(std::make_shared<WaitingBudget>()), messages_(std::make_shared<MessageMemory>()),
      hold_off_(HoldOffKeeper::make(loop)), watch_(std::make_shared<const Watch>()),
      counts_(std::make_shared<LookupCounts>()), source_(std::move(source)), retirement_(loop) {
  hold_off_->count_in(counts_);
  hold_off_->serve(*source_, config_->cache.max_ttl);
  connect();
}

Authenticator::~Authenticator() {
  hold_off_->stop();
  if (roster_) roster_->stop();
}

void Authenticator::watch(Watch watch) {
  hold_off_->on_change(watch.hold_off);
  watch_ = std::make_shared<const Watch>(std::move(watch));
}

asio::awaitable<core::Decision> Authenticator::judge(core::Question question, config::ConfigPtr config) {
  return wait_for(begin(std::move(question), std::move(config)));
}

Soon<core::Decision> Authenticator::begin(core::Question&& question, config::ConfigPtr config) {
  auto roster = roster_ ? roster_->reader(config) : nullptr;
  core::AuthFlow flow(config->rules, std::move(question), ports_, {config->limits.records_per_name}, roster.get());
  const auto missing = supply_known(flow);
  if (flow.done()) return flow.take();

  auto verdict = std::make_shared<Verdict>(loop_, std::move(config), std::move(roster), std::move(flow));
  for (const auto& need : missing)
    supply(verdict, need);
  advance(verdict);
  if (verdict->flow.done()) {
    verdict->waiting.reset(); // handlers that are still due keep the rest
    return verdict->flow.take();
  }
  return finish(std::move(verdict));
}

std::variant<core::Decision, core::Question> Authenticator::judge_outside(core::Question&& question,
                                                                          const config::ConfigPtr& config) const {
  const auto cache = [&] {
    const std::scoped_lock lock(cache_changes_);
    return cache_;
  }();
  const auto roster = roster_ ? roster_->outside_reader(*config) : std::nullopt;
  core::AuthFlow flow(config->rules, std::move(question), ports_, {config->limits.records_per_name},
                      roster ? &*roster : nullptr);
  std::uint64_t hits = 0;
  for (const auto& need : flow.take_needs()) {
    auto hit = need.fresh ? std::nullopt : cache->peek_outside(*need.name, clock_());
    if (!hit) break;
    flow.answer(need.id, std::move(hit->answer), true, std::move(hit->last));
    ++hits;
  }
  if (!flow.done() || (roster && roster->was_doubted())) return std::move(flow).give_up();
  outside_hits_.fetch_add(hits, std::memory_order_relaxed);
  return flow.take();
}

LookupCounts Authenticator::lookup_counts() const noexcept {
  auto counts = *counts_;
  counts.cache_hits += outside_hits_.load(std::memory_order_relaxed);
  return counts;
}

/// What the cache has; returned is what it has not.
std::vector<core::Need> Authenticator::supply_known(core::AuthFlow& flow) {
  auto needs = flow.take_needs();
  std::erase_if(needs, [&](const core::Need& need) { return supply_cached(flow, need); });
  return needs;
}

bool Authenticator::supply_cached(core::AuthFlow& flow, const core::Need& need) {
  if (need.fresh) return false;
  auto hit = cache_->find(*need.name, clock_());
  if (!hit) return false;
  ++counts_->cache_hits;
  flow.answer(need.id, std::move(hit->answer), true, std::move(hit->last));
  return true;
}

/// As far as it goes without waiting: what the cache supplies may raise new needs (re-queries), or be enough.
void Authenticator::advance(const VerdictPtr& verdict) {
  auto& flow = verdict->flow;
  while (!flow.done()) {
    const auto needs = flow.take_needs();
    if (needs.empty()) return;
    for (const auto& need : needs)
      if (!supply_cached(flow, need)) supply(verdict, need);
  }
}

asio::awaitable<core::Decision> Authenticator::finish(VerdictPtr verdict) {
  auto& flow = verdict->flow;
  while (true) {
    advance(verdict); // answers may have come before anybody waited
    if (flow.done()) break;
    if (std::chrono::steady_clock::now() >= verdict->deadline) {
      flow.expire();
      break;
    }
    verdict->wake.expires_at(verdict->deadline);
    const auto token = asio::as_tuple(asio::use_awaitable);
    co_await verdict->wake.async_wait(token);
  }
  verdict->waiting.reset();
  co_return flow.take();
}

/// What the cache has no answer for, or none that may serve.
void Authenticator::supply(const std::shared_ptr<Verdict>& verdict, const core::Need& need) {
  if (need.fresh) {
    if (spare_lookup(*verdict, need)) return;
    if (auto again = cache_->requery(*need.name, clock_()); again.ask)
      look_up(verdict, need);
    else if (again.failure)
      verdict->flow.answer(need.id, std::move(again.failure), true);
    else
      verdict->flow.keep(need.id);
  } else {
    ++counts_->cache_misses;
    if (!spare_lookup(*verdict, need)) look_up(verdict, need);
  }
}

/// Answers where there is nothing to be gained by asking.
bool Authenticator::spare_lookup(Verdict& verdict, const core::Need& need) {
  auto answer = messages_->find(verdict.message(), *need.name, std::chrono::steady_clock::now());
  if (!answer) answer = hold_off_->check(*need.name);
  if (!answer) return false;
  auto last = need.fresh ? nullptr : last_secure(*need.name, *answer);
  verdict.flow.answer(need.id, std::move(answer), true, std::move(last));
  return true;
}

/// Null, or the answer that `dns.grace` lets serve for a name that is not asked for.
core::AnswerPtr Authenticator::last_secure(const core::DnsName& name, const core::TlsaAnswer& failure) const {
  if (!core::is_unreachable(failure)) return nullptr;
  auto last = cache_->last_secure(name, clock_());
  return last || !roster_ ? last : roster_->last_secure(name);
}

std::optional<Bound> Authenticator::begin_waiting(Verdict& verdict) {
  if (!verdict.client() || verdict.waiting) return std::nullopt;
  const core::IpAddress client = verdict.client()->client_key();
  const auto& limits = verdict.config->limits;
  const WaitingBudget::Limits budget{limits.waiting_per_client, limits.waited_per_client};
  const auto met = waiting_->begin(client, budget, std::chrono::steady_clock::now());
  if (!met) verdict.waiting.emplace(waiting_, client);
  return met;
}

void Authenticator::refuse(Verdict& verdict, const core::Need& need, Bound bound) {
  if (need.fresh) cache_->requery_not_made(*need.name);
  if (watch_->bound) watch_->bound(bound, verdict.client());
  counts_->note(LookupOutcome::overload);
  verdict.flow.answer(need.id, overload(bound), false);
}

void Authenticator::look_up(const std::shared_ptr<Verdict>& verdict, const core::Need& need) {
  if (const auto bound = begin_waiting(*verdict)) return refuse(*verdict, need, *bound);
  const auto freshness = need.fresh ? dns::Freshness::fresh : dns::Freshness::any;
  const LookupGate::Applicant applicant{*need.name, freshness, verdict->client(), need.entry};
  auto admission = gate_->admit(applicant, verdict->config->limits);
  if (!admission.lease) return refuse(*verdict, need, admission.limit);
  take(verdict, need, freshness, std::move(admission.lease));
}

/// What was asked is stored where it belongs before the verdict hears of it: the roster may decide that verdict.
void Authenticator::take(const std::shared_ptr<Verdict>& verdict, const core::Need& need, dns::Freshness freshness,
                         dns::Lease lease) {
  auto handler = [verdict, id = need.id, name = *need.name, freshness, cache = cache_, messages = messages_,
                  hold_off = hold_off_, watch = watch_, roster = roster_,
                  epoch = roster_ ? roster_->epoch() : RosterKeeper::Epoch(), clock = clock_](core::AnswerPtr answer) {
    const bool fresh = freshness == dns::Freshness::fresh;
    cache->store(name, answer, clock());
    messages->note(verdict->message(), name, answer, std::chrono::steady_clock::now());
    hold_off->learn(name, answer);
    if (watch->bound && has_more_than(verdict->config->limits.records_per_name, *answer))
      watch->bound(Bound::records_per_name, verdict->client());
    if (roster) roster->learn(epoch, name, *answer);
    if (fresh && core::is_overload(*answer)) cache->requery_not_made(name);
    if (fresh && core::is_definite(*answer)) cache->note_requery(name, clock());
    const bool cached = answer->aged && !fresh;
    core::AnswerPtr last;
    if (core::is_unreachable(*answer)) last = cache->last_secure(name, clock());
    if (!last && roster && core::is_unreachable(*answer)) last = roster->last_secure(name);
    verdict->flow.answer(id, std::move(answer), cached, std::move(last));
    verdict->wake.cancel();
  };
  source_->resolve(*need.name, freshness, timed(counts_, std::move(handler)), std::move(lease));
}

/// Late answers of the current source go into the current cache and roster.
void Authenticator::connect() {
  source_->set_late_answer_handler([cache = cache_, hold_off = hold_off_, roster = roster_,
                                    epoch = roster_ ? roster_->epoch() : RosterKeeper::Epoch(),
                                    clock = clock_](const core::DnsName& name, core::AnswerPtr answer) {
    hold_off->learn(name, answer);
    if (roster) roster->learn(epoch, name, *answer);
    cache->store(name, std::move(answer), clock());
  });
  if (!roster_) return;
  roster_->on_refreshed(
      [cache = cache_, hold_off = hold_off_, clock = clock_](const core::DnsName& name, const core::AnswerPtr& answer) {
        hold_off->learn(name, answer);
        if (core::is_definite(*answer)) cache->update(name, answer, clock());
      });
}

void Authenticator::use_roster(std::shared_ptr<RosterKeeper> roster) {
  roster_ = std::move(roster);
  roster_->count_in(counts_);
  roster_->serve(config_, *source_);
  connect();
}

void Authenticator::reconfigure(config::ConfigPtr config, std::unique_ptr<dns::TlsaSource> source) {
  const bool new_bounds = config->cache != config_->cache;
  config_ = std::move(config);
  const bool new_source = source != nullptr;
  if (new_source) {
    closed_ = false;
    source_->set_late_answer_handler({});
    retired_.push_back(std::exchange(source_, std::move(source)));
  }
  if (new_source || new_bounds) replace_cache();
  if (new_source || new_bounds) hold_off_->serve(*source_, config_->cache.max_ttl);
  if (new_source) forget_retired();
  if (roster_) roster_->serve(config_, *source_);
  if (new_source || new_bounds) connect();
}

void Authenticator::replace_cache() {
  auto cache = std::make_shared<AnswerStore>(config_->cache);
  const std::scoped_lock lock(cache_changes_);
  std::swap(cache, cache_);
}

/// Closed first: making a resolver may fail, and may go on failing.
void Authenticator::renew(const MakeSource& make) {
  if (!closed_) {
    reconfigure(config_, std::make_unique<ClosedSource>(loop_));
    closed_ = true;
  }
  reconfigure(config_, make());
}

/// A verdict that began with the old anchors gets its answer from them; nothing of it is kept.
void Authenticator::forget_retired() {
  std::erase_if(retired_, [](const auto& source) { return source->in_flight() == 0; });
  if (retired_.empty()) return;
  retirement_.expires_after(retirement_check);
  retirement_.async_wait([this](const boost::system::error_code& error) {
    if (!error) forget_retired();
  });
}

Authenticator::Lookups Authenticator::lookups() const noexcept {
  const auto requeries = gate_->requeries();
  return {.claims = gate_->in_flight() - requeries,
          .requeries = requeries,
          .roster = roster_ ? roster_->refreshes() : 0,
          .probes = hold_off_->probes()};
}

Authenticator::Stored Authenticator::stored(const core::DnsName& name) const {
  Stored stored;
  const auto now = clock_();
  stored.cached = cache_->peek(name, now);
  if (!roster_ || !roster_->roster()) return stored;
  stored.in_roster = roster_->roster()->plan()->find(name).has_value();
  stored.roster = roster_->record_of(name);
  if (stored.roster)
    stored.roster_remaining =
        std::chrono::duration_cast<std::chrono::seconds>(stored.roster->written + stored.roster->life - now);
  return stored;
}

Authenticator::Flushed Authenticator::flush(const core::DnsName& name) {
  source_->forget(name);
  hold_off_->release(name);
  Flushed flushed;
  flushed.answers = cache_->erase(name) ? 1 : 0;
  if (roster_) flushed.roster = roster_->refresh_soon(name);
  return flushed;
}

Authenticator::Flushed Authenticator::flush_all() {
  source_->forget_all(); // first: it may fail
  hold_off_->release_all();
  Flushed flushed;
  flushed.answers = cache_->size();
  cache_->clear();
  if (roster_) flushed.roster = roster_->refresh_all_soon();
  return flushed;
}

std::size_t Authenticator::lookups_in_flight() const noexcept {
  return gate_->in_flight();
}

} // namespace danegate::service
