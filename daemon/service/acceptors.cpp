#include "daemon/service/acceptors.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace danegate::service {

namespace asio = boost::asio;
using asio::awaitable;
using boost::system::error_code;

namespace {

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

int family_of(int descriptor) {
  int family = 0;
  socklen_t size = sizeof family;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0) return family;
  throw std::system_error(errno, std::generic_category(), "SO_DOMAIN");
}

} // namespace

/// Held by the set of them and by the coroutine that accepts on it.
struct Acceptors::Listener {
  Listener(asio::io_context& loop, BoundListener socket)
      : bound(std::move(socket)), name(bound.address().text()), acceptor(loop), back_off(loop) {
    const asio::generic::stream_protocol protocol{family_of(bound.descriptor()), 0};
    acceptor.assign(protocol, bound.descriptor());
    bound.release_descriptor();
  }

  void close() noexcept {
    bound.close(); // the file goes now, so that a successor can have its place while we drain
    error_code ignored;
    acceptor.close(ignored);
    back_off.cancel();
  }

  BoundListener bound; ///< of the socket file; the descriptor is the acceptor's
  std::string name;
  Acceptor acceptor;
  asio::steady_timer back_off;
};

/// What the accepting coroutines need of their server, which may be gone when they end.
struct Acceptors::Accepting {
  Log& log;
  std::string event;
  Admit admit;
  std::chrono::milliseconds back_off;

  bool take(StreamSocket socket, const Listener& listener);
  void warn(const Listener& listener, const std::string& why);
  static awaitable<void> run(std::shared_ptr<Accepting> self, std::shared_ptr<Listener> listener);
};

bool Acceptors::Accepting::take(StreamSocket socket, const Listener& listener) {
  try {
    admit(std::move(socket), listener.bound.address());
    return true;
  } catch (const std::exception& failure) {
    warn(listener, failure.what());
    return false;
  }
}

void Acceptors::Accepting::warn(const Listener& listener, const std::string& why) {
  log.event_limited(event, config::LogLevel::warning, event,
                    "cannot accept a connection; waiting before the next attempt",
                    {{"listener", listener.name}, {"error", why}});
}

awaitable<void> Acceptors::Accepting::run(std::shared_ptr<Accepting> self, std::shared_ptr<Listener> listener) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (listener->acceptor.is_open()) {
    StreamSocket socket = co_await listener->acceptor.async_accept(token);
    if (!listener->acceptor.is_open()) break;
    if (error == asio::error::connection_aborted) continue;
    if (!error && self->take(std::move(socket), *listener)) continue;
    // Out of descriptors or memory, most likely. The next one waits in the backlog; asking again at once would spin.
    if (error) self->warn(*listener, error.message());
    listener->back_off.expires_after(self->back_off);
    co_await listener->back_off.async_wait(token);
  }
}

Acceptors::Acceptors(asio::io_context& loop, Log& log, std::string event, Admit admit,
                     std::chrono::milliseconds back_off)
    : loop_(loop), accepting_(std::make_shared<Accepting>(log, std::move(event), std::move(admit), back_off)) {}

Acceptors::~Acceptors() {
  stop();
}

void Acceptors::add(BoundListener listener) {
  auto taken = std::make_shared<Listener>(loop_, std::move(listener));
  listeners_.push_back(taken);
  asio::co_spawn(loop_, Accepting::run(accepting_, taken), asio::detached);
}

std::vector<config::Listen> Acceptors::listening() const {
  std::vector<config::Listen> addresses;
  for (const auto& listener : listeners_)
    addresses.push_back(listener->bound.address());
  return addresses;
}

void Acceptors::set(const std::vector<config::Listen>& wanted, std::vector<BoundListener> opened) {
  std::erase_if(listeners_, [&](const std::shared_ptr<Listener>& listener) {
    const bool stays =
        listener->bound.inherited() || std::ranges::find(wanted, listener->bound.address()) != wanted.end();
    if (!stays) listener->close();
    return !stays;
  });
  for (BoundListener& socket : opened)
    add(std::move(socket));
}

void Acceptors::stop() {
  for (const auto& listener : std::exchange(listeners_, {}))
    listener->close();
}

} // namespace danegate::service
