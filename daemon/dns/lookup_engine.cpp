#include "daemon/dns/lookup_engine.h"

#include "daemon/dns/dns_packet.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <utility>
#include <variant>

namespace danegate::dns {

namespace asio = boost::asio;

namespace {

core::AnswerPtr failed(std::string why) {
  return std::make_shared<const core::TlsaAnswer>(
      core::TlsaAnswer{core::Failed{core::FailureKind::server_failure, std::move(why)}, {}});
}

core::DnsName domain_of(const core::DnsName& name) {
  auto domain = name;
  while (domain.label_count() > 2)
    domain = domain.parent().value();
  return domain;
}

} // namespace

std::shared_ptr<LookupEngine> LookupEngine::make(asio::io_context& loop, Times times, Parts parts) {
  return std::shared_ptr<LookupEngine>(new LookupEngine(loop, times, std::move(parts)));
}

LookupEngine::LookupEngine(asio::io_context& loop, Times times, Parts parts)
    : loop_(loop), times_(times), parts_(std::move(parts)), table_(LookupTable::make(loop, times.timeout)),
      main_(parts_.make_context(ThreadPriority::usual)), refreshed_(times.max_ttl) {}

void LookupEngine::resolve(const core::DnsName& name, Freshness freshness, AnswerHandler handler, Lease lease) {
  const auto now = parts_.now();
  if (freshness == Freshness::fresh) refreshed_.note(name, now);
  if (refreshed_.contains(name, now)) freshness = Freshness::fresh;
  const LookupKey key{name, freshness};
  if (!table_->join(key, std::move(handler), std::move(lease))) return;
  try {
    const bool suspect = freshness == Freshness::any && suspects_.contains(domain_of(name), now);
    auto& asked =
        suspect ? serving(aside_, ThreadPriority::low) : context(freshness); // outlives the continuation, which it owns
    asked.ask(name.text(), rrtype::tlsa, [weak = weak_from_this(), query = Asked{key, asked, now}](const auto& reply) {
      if (const auto self = weak.lock()) self->take(query, reply);
    });
  } catch (const std::exception& error) {
    refuse(key, error.what());
  }
}

void LookupEngine::ask(const std::string& name, std::uint16_t type, Continuation then) {
  main_->ask(name, type, std::move(then));
}

void LookupEngine::close() {
  const auto self = shared_from_this();
  main_->close();
  if (aside_) aside_->close();
  if (fresh_) fresh_->close();
  for (const auto& context : retired_)
    context->close();
  table_->close(failed("shutting down"));
}

/// Throws if a new context is needed and cannot be made.
ResolverContext& LookupEngine::context(Freshness freshness) {
  if (freshness == Freshness::any) return serving(main_, ThreadPriority::usual);
  const auto now = parts_.now();
  if (!is_good_fresh(now)) {
    auto made = parts_.make_context(ThreadPriority::usual);
    if (fresh_) retire(std::move(fresh_));
    fresh_ = std::move(made);
    fresh_since_ = now;
    outdated_ = false;
  }
  return *fresh_;
}

/// This one, made anew where it has stopped working.
ResolverContext& LookupEngine::serving(std::shared_ptr<ResolverContext>& context, ThreadPriority priority) const {
  if (context && !context->stopped()) return *context;
  if (context && parts_.warn) parts_.warn("the resolver's thread has ended; it is started again");
  context = parts_.make_context(priority);
  return *context;
}

bool LookupEngine::is_good_fresh(Clock::time_point now) {
  if (!fresh_ || fresh_->stopped() || now - fresh_since_ >= times_.min_ttl) return false;
  if (!outdated_) return true;
  forget_idle();
  return retired_.size() >= max_retired; // the oldest one's waiters have not been told yet that time is up
}

void LookupEngine::forget(const core::DnsName& name) {
  refreshed_.note(name, parts_.now());
  outdated_ = true;
}

void LookupEngine::forget_all() {
  auto made = parts_.make_context(ThreadPriority::usual);
  retire(std::exchange(main_, std::move(made)));
  if (aside_) retire(std::move(aside_));
  refreshed_.clear();
  outdated_ = true;
}

void LookupEngine::retire(std::shared_ptr<ResolverContext> context) {
  retired_.push_back(std::move(context));
  forget_idle();
  if (retired_.size() <= max_retired) return;
  const auto oldest = std::move(retired_.front());
  retired_.pop_front();
  oldest->give_up();
}

void LookupEngine::forget_idle() {
  std::erase_if(retired_, [](const auto& context) { return context->idle(); });
}

/// Later: nobody is told inside resolve().
void LookupEngine::refuse(const LookupKey& key, const std::string& why) {
  if (parts_.warn) parts_.warn(why);
  asio::post(loop_, [table = table_, key, why] { table->finish(key, failed(why)); });
}

void LookupEngine::take(const Asked& asked, const UnboundReply& reply) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); // signatures' clock
  auto folded = fold(asked.key.name, reply, now);
  if (folded.opt_out_zone.empty())
    finish(asked, std::move(folded.answer));
  else
    confirm_opt_out(asked, std::move(folded));
}

/// Whatever else comes of the second query, what was said to the first stands.
void LookupEngine::confirm_opt_out(const Asked& asked, FoldedAnswer folded) {
  const auto zone = std::move(folded.opt_out_zone);
  asked.context.ask(zone, rrtype::soa,
                    [weak = weak_from_this(), asked, answer = std::move(folded.answer)](const auto& reply) mutable {
                      const auto self = weak.lock();
                      if (!self) return;
                      const bool zone_is_secure = reply.error.empty() && !reply.bogus && reply.secure && reply.havedata;
                      if (zone_is_secure) answer.outcome = core::Absent{};
                      self->finish(asked, std::move(answer));
                    });
}

void LookupEngine::finish(const Asked& asked, core::TlsaAnswer answer) {
  const auto now = parts_.now();
  const auto passed = std::chrono::floor<std::chrono::seconds>(now - asked.begun);
  answer.ttl = std::max(answer.ttl - passed, std::chrono::seconds{0});
  if (std::holds_alternative<core::Bogus>(answer.outcome)) suspects_.note(domain_of(asked.key.name), now);
  table_->finish(asked.key, std::make_shared<const core::TlsaAnswer>(std::move(answer)));
  forget_idle();
}

} // namespace danegate::dns
