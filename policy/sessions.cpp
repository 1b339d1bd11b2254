#include "policy/sessions.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <ctime>
#include <exception>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

namespace danegate::policy {

namespace asio = boost::asio;
using asio::awaitable;
using boost::system::error_code;
using config::LogLevel;

SteadyTime coarse_now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return SteadyTime(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

/// Held by the set of open ones and by its coroutine, so it lives until both have let go.
struct Sessions::Session {
  Session(Socket accepted, const config::Listen& on, std::size_t max_request, SteadyTime now)
      : socket(std::move(accepted)), listener(on.text()),
        channel(on.kind == config::Listen::Kind::unix_socket ? Channel::local : Channel::inet), inbox(max_request),
        activity{Phase::fresh, now} {}

  void enter(Phase phase, SteadyTime now) noexcept { activity = {phase, now}; }

  /// Operations that are under way end with operation_aborted.
  void close() noexcept {
    error_code ignored;
    socket.close(ignored);
  }

  Socket socket;
  std::string listener; ///< for the log
  Channel channel;
  Inbox inbox;
  Activity activity;
};

Sessions::Sessions(asio::io_context& loop, Responder responder, ConfigSource config, service::Log& log,
                   ServerTiming timing, BoundMet bound_met)
    : loop_(loop), responder_(std::move(responder)), config_(std::move(config)), log_(log), timing_(std::move(timing)),
      bound_met_(std::move(bound_met)), sweeper_(loop) {}

Sessions::~Sessions() = default;

// ---- who is in

void Sessions::admit(StreamSocket socket, const config::Listen& listener) {
  const auto snapshot = config_();
  if (open_.size() >= snapshot->limits.policy_connections) met(service::Bound::policy_connections);
  while (open_.size() >= snapshot->limits.policy_connections) {
    if (make_room()) continue;
    log_.event_limited("policy-full", LogLevel::warning, "policy-full",
                       "limits.policy-connections is reached and all are at work; a connection is turned away",
                       {{"listener", listener.text()}});
    return;
  }
  error_code error;
  const auto protocol = socket.local_endpoint(error).protocol();
  if (error) return;
  Socket ours(loop_);
  const int descriptor = socket.release();
  ours.assign(protocol, descriptor, error);
  if (error) { // nobody has it then
    ::close(descriptor);
    return;
  }
  ours.non_blocking(true, error); // a reply is written without waiting; each socket object has its own word for that
  if (error) return;
  auto session = std::make_shared<Session>(std::move(ours), listener, snapshot->limits.request_bytes, timing_.now());
  open_.insert(session);
  asio::co_spawn(loop_, serve(shared_from_this(), session), asio::detached);
  schedule_sweep();
}

bool Sessions::make_room() {
  SessionPtr first;
  for (const SessionPtr& session : open_) {
    if (!may_make_room(session->activity)) continue;
    if (!first || goes_before(session->activity, first->activity)) first = session;
  }
  if (!first) return false;
  warn("policy-full", "room", "limits.policy-connections is reached; a waiting connection makes room", *first);
  forget(first);
  return true;
}

void Sessions::forget(const SessionPtr& session) {
  session->close();
  open_.erase(session);
  finish_drain();
}

// ---- one connection

/// The one barrier for exceptions: whatever happens to one connection ends that one.
awaitable<void, Sessions::Loop> Sessions::serve(std::shared_ptr<Sessions> self, SessionPtr session) {
  try {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable_t<Loop>(), error);
    Todo todo;
    Step step = self->next(*session, todo);
    while (step != Step::close) {
      if (step == Step::read) {
        const std::span<char> space = session->inbox.space();
        const asio::mutable_buffer room = asio::buffer(space.data(), space.size());
        const std::size_t octets = co_await session->socket.async_read_some(room, token);
        step = self->received(*session, octets, error, todo);
      } else if (step == Step::reply || step == Step::next) {
        co_await asio::post(token);
        step = step == Step::reply ? self->write(*session, todo) : self->next(*session, todo);
      } else {
        auto waiting = self->wait(*session, step, todo);
        step = co_await std::move(waiting);
      }
    }
  } catch (const std::exception& failure) {
    self->log_.event_limited("policy-failure", LogLevel::error, "policy-failure",
                             "a request could not be answered; its connection is closed",
                             {{"listener", session->listener}, {"error", failure.what()}});
  }
  self->forget(session);
}

/// What a known reply to a client that reads it never needs.
awaitable<Sessions::Step, Sessions::Loop> Sessions::wait(Session& session, Step step, Todo& todo) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable_t<Loop>(), error);
  if (step == Step::wait) {
    std::string reply = co_await asio::co_spawn(loop_, std::move(todo.later), asio::use_awaitable_t<Loop>());
    co_return reply_with(session, std::move(reply), todo);
  }
  const asio::const_buffer rest = asio::buffer(todo.reply); // Step::write
  co_await asio::async_write(session.socket, rest, token);
  co_return answered(session, error);
}

/// No view of a request outlives this call: the responder has read it when it returns.
Sessions::Step Sessions::next(Session& session, Todo& todo) {
  if (!session.socket.is_open()) return Step::close; // by us, meanwhile
  const auto refuse = [&](RequestError error) {
    if (error == RequestError::too_large) met(service::Bound::request_bytes);
    warn("policy-request", token(error), describe(error), session);
    return Step::close;
  };
  const auto text = session.inbox.next();
  if (!text) return refuse(text.error());
  if (!*text) return Step::read;
  const auto request = session.inbox.request();
  if (!request) return refuse(request.error());
  auto reply = responder_(*request, session.channel);
  session.inbox.consumed();
  if (auto* const known = std::get_if<std::string>(&reply)) return reply_with(session, std::move(*known), todo);
  todo.later = std::get<awaitable<std::string>>(std::move(reply));
  session.enter(Phase::judging, timing_.now());
  return Step::wait;
}

Sessions::Step Sessions::received(Session& session, std::size_t octets, const error_code& error, Todo& todo) {
  if (!session.socket.is_open()) return Step::close;
  if (error == asio::error::eof && !session.inbox.empty()) {
    warn("policy-request", "unfinished", "the connection ended in the middle of a request", session);
  }
  if (error) return Step::close;
  session.inbox.filled(octets);
  const Step step = next(session, todo);
  if (step == Step::read && session.activity.phase == Phase::idle && !session.inbox.empty())
    session.enter(Phase::reading, timing_.now());
  return step;
}

Sessions::Step Sessions::reply_with(Session& session, std::string reply, Todo& todo) const {
  if (!session.socket.is_open()) return Step::close;
  session.enter(Phase::writing, timing_.now());
  todo.reply = std::move(reply);
  return Step::reply;
}

/// At once: a socket has room for a reply, unless its client reads none.
Sessions::Step Sessions::write(Session& session, Todo& todo) {
  if (!session.socket.is_open()) return Step::close;
  error_code error;
  const std::size_t sent = session.socket.write_some(asio::buffer(todo.reply), error);
  if (error && error != asio::error::would_block) return Step::close;
  if (!error && sent == todo.reply.size()) return answered(session, error);
  if (!error) todo.reply.erase(0, sent);
  return Step::write;
}

Sessions::Step Sessions::answered(Session& session, const error_code& error) {
  if (error || draining_) return Step::close;
  session.inbox.begin(config_()->limits.request_bytes);
  session.enter(session.inbox.empty() ? Phase::idle : Phase::reading, timing_.now());
  return Step::next;
}

void Sessions::warn(std::string_view event, std::string_view cause, std::string_view message, const Session& session) {
  const std::string key = std::string(event).append(":").append(cause);
  log_.event_limited(key, LogLevel::warning, event, message, {{"cause", cause}, {"listener", session.listener}});
}

// ---- time

void Sessions::sweep() {
  const Patience limits{timing_.unfinished, config_()->policy.idle_timeout};
  const SteadyTime now = timing_.now();
  std::vector<SessionPtr> overdue;
  for (const SessionPtr& session : open_) {
    if (is_overdue(session->activity, limits, now)) overdue.push_back(session);
  }
  for (const SessionPtr& session : overdue) {
    switch (session->activity.phase) {
    case Phase::fresh:
    case Phase::reading:
      // Who connects and says nothing is a port scan or a probe, and no news.
      if (session->inbox.empty()) break;
      warn("policy-request", "slow", "the request was not complete in time", *session);
      break;
    case Phase::writing: warn("policy-request", "unread", "the reply was not read in time", *session); break;
    case Phase::idle:
    case Phase::judging: break;
    }
    forget(session);
  }
}

void Sessions::schedule_sweep() {
  if (sweep_scheduled_ || open_.empty()) return;
  sweep_scheduled_ = true;
  sweeper_.expires_after(timing_.sweep_every);
  sweeper_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (!self) return;
    self->sweep_scheduled_ = false;
    if (!error) self->sweep();
    self->schedule_sweep();
  });
}

// ---- the end

void Sessions::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  std::vector<SessionPtr> waiting;
  for (const SessionPtr& session : open_) {
    const Phase phase = session->activity.phase;
    const bool unasked = (phase == Phase::idle || phase == Phase::fresh) && session->inbox.empty();
    if (unasked) waiting.push_back(session);
  }
  for (const SessionPtr& session : waiting)
    forget(session);
  finish_drain();
}

void Sessions::finish_drain() {
  if (!draining_ || !open_.empty()) return;
  sweeper_.cancel();
  if (drained_) asio::post(loop_, std::exchange(drained_, nullptr));
}

void Sessions::close_all() noexcept {
  draining_ = true;
  drained_ = nullptr;
  for (const SessionPtr& session : std::exchange(open_, {}))
    session->close();
  sweeper_.cancel();
}

} // namespace danegate::policy
