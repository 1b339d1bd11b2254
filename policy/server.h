// The policy server: its listening sockets (acceptors.h), and the connections that come in by them (sessions.h).
//
// One io_context, one thread. A client that closes its sending half (Exim's ${readsocket}) still gets its reply, and
// then EOF. A malformed request closes its connection, with one warning that is limited per cause; there is nothing
// that the protocol could answer, and other connections never notice.
//
// Life cycle: construct, add_listener(), run the loop; on reload set_listeners(); at the end drain(), then destroy.
// What is handed in outlives every run of the loop. Destroying the server closes every socket; what its coroutines
// still hold goes with the io_context, or at its next turn.
#pragma once

#include "daemon/service/acceptors.h"
#include "policy/sessions.h"

#include <functional>
#include <memory>
#include <vector>

namespace danegate::policy {

class Server {
public:
  Server(boost::asio::io_context& loop, Responder responder, ConfigSource config, service::Log& log,
         const ServerTiming& timing = {}, BoundMet bound_met = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Takes over a socket that listens already. Throws boost::system::system_error if the loop cannot take it.
  void add_listener(service::BoundListener listener);

  /// The addresses listened on, inherited ones included: what a reload need not open.
  std::vector<config::Listen> listening() const;

  /// On reload: closes the listeners whose address is not in `wanted`, but for inherited ones, and adds `opened`.
  /// Connections stay.
  void set_listeners(const std::vector<config::Listen>& wanted, std::vector<service::BoundListener> opened);

  /// Closes every listener. Connections stay.
  void stop_accepting();

  /// Stops accepting, closes connections that wait for a request, lets those that have begun one have their reply, and
  /// calls `done` once, on the loop, when no connection is left. The sweep and limits.deadline bound how long that
  /// takes.
  void drain(std::function<void()> done);

  std::size_t connections() const noexcept;

  /// What the timer does while there are connections; for tests.
  void sweep();

private:
  std::shared_ptr<Sessions> sessions_;
  service::Acceptors acceptors_;
};

} // namespace danegate::policy
