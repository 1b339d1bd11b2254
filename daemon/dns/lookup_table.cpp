#include "daemon/dns/lookup_table.h"

#include <boost/asio/post.hpp>

#include <string>

namespace danegate::dns {

namespace asio = boost::asio;

std::shared_ptr<LookupTable> LookupTable::make(asio::io_context& loop, std::chrono::milliseconds timeout) {
  return std::shared_ptr<LookupTable>(new LookupTable(loop, timeout));
}

LookupTable::LookupTable(asio::io_context& loop, std::chrono::milliseconds timeout)
    : loop_(loop), timeout_(timeout), timer_(loop),
      timed_out_(std::make_shared<const core::TlsaAnswer>(core::TlsaAnswer{
          core::Failed{core::FailureKind::timeout, "no answer within " + std::to_string(timeout.count()) + " ms"},
          {}})) {}

bool LookupTable::join(const LookupKey& key, AnswerHandler handler, Lease lease) {
  if (closed_) {
    asio::post(loop_, [handler = std::move(handler), answer = closed_]() mutable { handler(std::move(answer)); });
    return false;
  }
  const auto waiter = std::make_shared<Waiter>(std::move(handler));
  const auto [place, is_new] = lookups_.try_emplace(key);
  place->second.waiters.push_back(waiter);
  place->second.leases.push_back(std::move(lease));
  while (!deadlines_.empty() && deadlines_.front().waiter.expired())
    deadlines_.pop_front();
  deadlines_.push_back({Clock::now() + timeout_, waiter});
  arm();
  return is_new;
}

void LookupTable::finish(const LookupKey& key, core::AnswerPtr answer) {
  const auto self = shared_from_this(); // a handler may destroy our owner
  auto node = lookups_.extract(key);
  if (node.empty()) return;
  auto lookup = std::move(node.mapped());
  lookup.leases.clear(); // the slot is free before anybody, told the answer, asks for another
  bool awaited = false;
  for (const auto& waiter : lookup.waiters) {
    awaited = awaited || waiter->handler;
    complete(*waiter, answer);
  }
  const bool failed = std::holds_alternative<core::Failed>(answer->outcome);
  if (!awaited && !failed && late_answer_) {
    const auto tell = late_answer_; // a handler may put another one in its place
    tell(key.name, std::move(answer));
  }
  run_ready();
}

void LookupTable::close(core::AnswerPtr answer) {
  const auto self = shared_from_this();
  closed_ = std::move(answer);
  timer_.cancel();
  late_answer_ = {};
  const auto lookups = std::exchange(lookups_, {});
  for (const auto& [key, lookup] : lookups)
    for (const auto& waiter : lookup.waiters)
      complete(*waiter, closed_);
  deadlines_.clear();
  run_ready();
}

void LookupTable::complete(Waiter& waiter, const core::AnswerPtr& answer) {
  if (!waiter.handler) return;
  ready_.emplace_back(std::move(waiter.handler), answer);
  waiter.handler = nullptr;
}

/// Handlers are called from this queue only, so that close() inside one of them finds those that are still due.
void LookupTable::run_ready() {
  while (!ready_.empty()) {
    auto [handler, answer] = std::move(ready_.front());
    ready_.pop_front();
    try {
      handler(std::move(answer));
    } catch (...) { // the others are still due, whatever the loop makes of this
      asio::post(loop_, [self = shared_from_this()] { self->run_ready(); });
      throw;
    }
  }
}

void LookupTable::arm() {
  if (armed_ || deadlines_.empty()) return;
  armed_ = true;
  timer_.expires_at(deadlines_.front().at);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (self && !error) self->on_timer();
  });
}

void LookupTable::on_timer() {
  armed_ = false;
  const auto now = Clock::now();
  while (!deadlines_.empty() && (deadlines_.front().at <= now || deadlines_.front().waiter.expired())) {
    if (const auto waiter = deadlines_.front().waiter.lock()) complete(*waiter, timed_out_);
    deadlines_.pop_front();
  }
  arm();
  run_ready();
}

} // namespace danegate::dns
