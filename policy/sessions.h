// The open policy connections: serves them, bounds them, and closes those that take too long.
//
// One thread, the loop's. Each connection is a coroutine: read, reply, read; one request at a time, in order. Requests
// go to a Responder and come back as replies.
//
// Connections that are ready together take turns: all read and judge, then all reply, then all try to read again.
// Measured: a client that is woken by itself costs its processor's wake-up, one of many next to nothing; and by the
// time of its next turn a client that had its reply has mostly asked again, so that no attempt to read is in vain. A
// lone connection's turns follow each other at once.
//
// Life cycle: held by a shared_ptr, because coroutines and the sweep's timer hold it too. close_all() ends every
// connection at once; a coroutine that waits for a verdict then finds its socket closed and ends. The responder, the
// configuration source and the log outlive every run of the loop.
#pragma once

#include "daemon/service/acceptors.h"
#include "daemon/service/bounds.h"
#include "daemon/service/log.h"
#include "policy/handler.h"
#include "policy/inbox.h"
#include "policy/patience.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

namespace danegate::policy {

using service::StreamSocket;

/// Handler::reply_to: reads the request before it returns; gives the reply with its empty line. An exception, then or
/// later, closes the connection without a reply, and Postfix takes its own default action.
using Responder = std::function<Soon<std::string>(const Request&, Channel)>;

/// steady_clock, to the tick of the kernel (4 ms on Debian): all that Patience needs, and cheaper.
SteadyTime coarse_now() noexcept;

struct ServerTiming {
  std::function<SteadyTime()> now = coarse_now;
  std::chrono::milliseconds sweep_every{1000};
  std::chrono::milliseconds unfinished = Patience{}.unfinished;
  std::chrono::milliseconds accept_back_off = service::Acceptors::usual_back_off;
};

/// Told of each bound that is met; may be empty.
using BoundMet = std::function<void(service::Bound)>;

class Sessions : public std::enable_shared_from_this<Sessions> {
public:
  Sessions(boost::asio::io_context& loop, Responder responder, ConfigSource config, service::Log& log,
           ServerTiming timing, BoundMet bound_met = {});
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;
  ~Sessions();

  /// Serves a new connection. Past limits.policy-connections the one that goes_before() the others makes room; if none
  /// may, the new one is closed.
  void admit(StreamSocket socket, const config::Listen& listener);

  std::size_t size() const noexcept { return open_.size(); }

  /// Closes what is overdue (patience.h). The timer does it every sweep_every while there are connections.
  void sweep();

  /// Closes connections that wait for a request, lets those that have begun one have their reply, and calls `done`
  /// once, on the loop, when none is left.
  void drain(std::function<void()> done);

  /// Closes everything; `done` of a drain is not called any more.
  void close_all() noexcept;

private:
  struct Session;

  using SessionPtr = std::shared_ptr<Session>;

  /// What one connection's coroutine has to do next.
  enum class Step : unsigned char {
    read,  ///< octets are wanted
    wait,  ///< Todo::later will give the reply
    reply, ///< Todo::reply is to be written, in turn
    write, ///< the socket has no room for Todo::reply, or for what is left of it, yet
    next,  ///< there may be another request, in turn
    close,
  };

  struct Todo {
    boost::asio::awaitable<std::string> later;
    std::string reply;
  };

  /// Known to the compiler, unlike any_io_executor: it is copied and asked with every operation.
  using Loop = boost::asio::io_context::executor_type;
  using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Loop>;

  bool make_room();
  void forget(const SessionPtr& session);
  void schedule_sweep();
  void finish_drain();

  static boost::asio::awaitable<void, Loop> serve(std::shared_ptr<Sessions> self, SessionPtr session);
  boost::asio::awaitable<Step, Loop> wait(Session& session, Step step, Todo& todo);
  Step next(Session& session, Todo& todo);
  Step received(Session& session, std::size_t octets, const boost::system::error_code& error, Todo& todo);
  Step reply_with(Session& session, std::string reply, Todo& todo) const;
  Step write(Session& session, Todo& todo);
  Step answered(Session& session, const boost::system::error_code& error);

  void met(service::Bound bound) const {
    if (bound_met_) bound_met_(bound);
  }

  void warn(std::string_view event, std::string_view cause, std::string_view message, const Session& session);

  boost::asio::io_context& loop_;
  Responder responder_;
  ConfigSource config_;
  service::Log& log_;
  ServerTiming timing_;
  BoundMet bound_met_;
  boost::asio::steady_timer sweeper_;
  bool sweep_scheduled_ = false;
  bool draining_ = false;
  std::function<void()> drained_;
  std::unordered_set<SessionPtr> open_;
};

} // namespace danegate::policy
