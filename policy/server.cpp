#include "policy/server.h"

#include <utility>

namespace danegate::policy {

// NOLINTNEXTLINE(readability-function-size): the last two have defaults, and only main gives them
Server::Server(boost::asio::io_context& loop, Responder responder, ConfigSource config, service::Log& log,
               const ServerTiming& timing, BoundMet bound_met)
    : sessions_(
          std::make_shared<Sessions>(loop, std::move(responder), std::move(config), log, timing, std::move(bound_met))),
      acceptors_(
          loop, log, "policy-accept",
          [sessions = sessions_](StreamSocket socket, const config::Listen& listener) {
            sessions->admit(std::move(socket), listener);
          },
          timing.accept_back_off) {}

Server::~Server() {
  stop_accepting();
  sessions_->close_all();
}

void Server::add_listener(service::BoundListener listener) {
  acceptors_.add(std::move(listener));
}

std::vector<config::Listen> Server::listening() const {
  return acceptors_.listening();
}

void Server::set_listeners(const std::vector<config::Listen>& wanted, std::vector<service::BoundListener> opened) {
  acceptors_.set(wanted, std::move(opened));
}

void Server::stop_accepting() {
  acceptors_.stop();
}

void Server::drain(std::function<void()> done) {
  stop_accepting();
  sessions_->drain(std::move(done));
}

std::size_t Server::connections() const noexcept {
  return sessions_->size();
}

void Server::sweep() {
  sessions_->sweep();
}

} // namespace danegate::policy
