#include "daemon/service/overloads.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace danegate::service {

using config::LogLevel;

Overloads::Overloads(boost::asio::io_context& loop, Log& log, Now now)
    : loop_(loop), log_(log), now_(std::move(now)), timer_(loop) {}

bool Overloads::begins_burst(Bound bound) {
  ++counts_.at(index_of(bound));
  std::unique_lock lock(mutex_);
  const bool begins = bursts_.at(index_of(bound)).note(now_());
  lock.unlock();
  if (begins) boost::asio::post(loop_, [this] { schedule(); });
  return begins;
}

void Overloads::note(Bound bound, const std::optional<core::IpAddress>& client) {
  if (!begins_burst(bound)) return;
  const std::string address = client ? client->text() : std::string();
  log_.event(LogLevel::warning, "overload", "a bound is met: what is past it is refused for now; the end will be told",
             {{"limit", name_of(bound)}, {"client", address}});
}

void Overloads::note_told(Bound bound) {
  begins_burst(bound);
}

void Overloads::report() {
  for (std::size_t i = 0; i < bursts_.size(); ++i) {
    std::unique_lock lock(mutex_);
    const auto report = bursts_.at(i).report(now_());
    lock.unlock();
    if (!report) continue;
    log_.event(LogLevel::info, report->over ? "overload-over" : "overload-goes-on",
               report->over ? "the bound is not met any more" : "the bound is still met",
               {{"limit", bound_names.at(i)},
                {"count", std::to_string(report->count)},
                {"seconds", std::to_string(report->lasted.count())}});
  }
}

void Overloads::schedule() {
  if (ticking_) return;
  ticking_ = true;
  timer_.expires_after(tick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    ticking_ = false;
    if (error) return;
    report();
    std::unique_lock lock(mutex_);
    const bool active = std::ranges::any_of(bursts_, &Burst::active);
    lock.unlock();
    if (active) schedule();
  });
}

} // namespace danegate::service
