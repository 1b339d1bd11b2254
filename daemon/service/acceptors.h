// A server's listening sockets: accepts on each, and hands what comes in to whoever serves it.
//
// accept() that fails waits and tries again; the log is told once a minute. One thread, the loop's.
//
// Life cycle: construct, add(), run the loop; on reload set(); at the end stop(), or destroy. Destroying it closes
// every listener; what its coroutines still hold goes with the io_context, or at its next turn. `admit` and the log
// outlive every run of the loop.
#pragma once

#include "daemon/service/listener.h"
#include "daemon/service/log.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace danegate::service {

using StreamSocket = boost::asio::generic::stream_protocol::socket;

/// Takes a new connection and the address that it came in by. An exception counts as a failed accept().
using Admit = std::function<void(StreamSocket, const config::Listen&)>;

class Acceptors {
public:
  static constexpr std::chrono::milliseconds usual_back_off{
      250}; ///< after accept() failed, e.g. for want of descriptors

  /// `event`: what the log calls it when accept() fails.
  Acceptors(boost::asio::io_context& loop, Log& log, std::string event, Admit admit,
            std::chrono::milliseconds back_off = usual_back_off);
  Acceptors(const Acceptors&) = delete;
  Acceptors& operator=(const Acceptors&) = delete;
  ~Acceptors();

  /// Takes over a socket that listens already. Throws boost::system::system_error if the loop cannot take it.
  void add(BoundListener listener);

  /// The addresses listened on, inherited ones included: what a reload need not open.
  std::vector<config::Listen> listening() const;

  /// On reload: closes the listeners whose address is not in `wanted`, but for inherited ones, and adds `opened`.
  void set(const std::vector<config::Listen>& wanted, std::vector<BoundListener> opened);

  /// Closes every listener.
  void stop();

private:
  struct Listener;
  struct Accepting;

  boost::asio::io_context& loop_;
  std::shared_ptr<Accepting> accepting_;
  std::vector<std::shared_ptr<Listener>> listeners_;
};

} // namespace danegate::service
