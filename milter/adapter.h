// libmilter: its one listening socket, its callbacks, its end. adapter.cpp is the only file that includes its header.
//
// libmilter has one filter, one socket and one smfi_main() to a process, and no way to do any of that again; so has
// this class, and a second object throws. Its workers block in our callbacks, one thread for each command that is being
// answered. What goes wrong in a callback is logged, and the mail server is told to try again later.
//
// Life cycle: open() while there may still be root's privileges, start() after they are gone and with every signal
// unblocked in the main thread only (libmilter waits for SIGHUP and SIGTERM in a thread of its own, and gets them
// wherever no other thread takes them first). stop() refuses new connections and messages, and lets those under way
// come to their end. smfi_stop() is not for us: it cuts off every session at its next command (seen with 8.17
// and 8.18), and smfi_main() does not wait for its workers when it returns. Nothing that a callback uses may be
// destroyed, ever: the process ends by _exit().
#pragma once

#include "daemon/config/config.h"
#include "daemon/service/listener.h"
#include "milter/conversation.h"

#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>

namespace danegate::milter {

class Adapter {
public:
  /// Binds and listens; the error is for the operator. A stale socket file is replaced, one in use is an error.
  static std::expected<std::unique_ptr<Adapter>, std::string> open(const config::MilterSettings& settings);

  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;
  ~Adapter() = default;

  /// Accepts connections, on threads of libmilter's. `ended` is called, on one of them, if it stops unasked.
  void start(Conversation::Parts parts, std::function<void()> ended);

  /// From here on no new connection and no new message. The socket's file goes, so that a successor can have its place.
  void stop() noexcept;

  /// SMTP sessions that are open.
  std::size_t connections() const noexcept;

  /// Messages under way: MAIL was said, and neither their end nor an abort has come.
  std::size_t messages() const noexcept;

  const config::Listen& address() const noexcept { return socket_.address(); }

private:
  explicit Adapter(service::BoundListener socket) : socket_(std::move(socket)) {}

  service::BoundListener socket_; ///< of the file; the descriptor is libmilter's
};

} // namespace danegate::milter
