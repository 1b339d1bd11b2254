// The tool's side of the control socket: finds it, asks, and says what to do where nobody answers.
//
// One connection for each question. Waits for as long as the daemon may take, and not forever.
#pragma once

#include <chrono>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>

namespace danegate::ctl {

class DaemonClient {
public:
  /// A little longer than the daemon's own bound for one request.
  static constexpr std::chrono::seconds patience{125};

  struct Reply {
    unsigned status;
    std::string body;
  };

  explicit DaemonClient(std::string socket) : socket_(std::move(socket)) {}

  Reply get(std::string_view target) const { return ask("GET", target, {}); }

  Reply post(std::string_view target, std::string body = {}) const { return ask("POST", target, std::move(body)); }

private:
  /// Throws Failure: 69 where nobody can be reached, with the socket's name and why.
  Reply ask(std::string_view method, std::string_view target, std::string body) const;

  std::string socket_; ///< path
};

/// Where the daemon is to be reached.
struct DaemonPlace {
  std::string socket; ///< path, or "unix:/path"; empty: as the configuration says
  std::filesystem::path config_file;
};

/// Throws Failure where the configuration names none, or cannot be read. Where it is wrong in parts, and does not say,
/// the default is tried, and `err` is told.
DaemonClient find_daemon(const DaemonPlace& place, std::ostream& err);

/// A reply with an error in it: throws Failure with the daemon's own words, 65 where it was the question's mistake.
void check_reply(const DaemonClient::Reply& reply);

} // namespace danegate::ctl
