// The daemon's life between start and end: signals, reload, drain.
//
// SIGHUP reloads, and so does the control socket. The configuration is read on a thread, since files may be large, and
// swapped in on the loop; while one is being read, any number of further ones make one more reload. A wrong
// configuration leaves everything as it was; each mistake is one line of event=reload-failed. Snapshots that a reload
// replaced are freed on a thread, too, once no request uses them.
//
// SIGTERM and SIGINT drain: no new connections, requests in flight are answered, for at most Managed::drain_limit();
// then the loop is stopped. A second one stops it at once.
//
// Lives on the loop's thread, which must be the main thread with these signals unblocked in it alone: libmilter takes
// SIGHUP and SIGTERM for itself wherever else it can (signal_block.h).
#pragma once

#include "daemon/config/config.h"
#include "daemon/service/log.h"
#include "daemon/service/notify.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace danegate::service {

/// What config::load() says.
using LoadOutcome = std::expected<config::ConfigPtr, std::vector<config::ConfigError>>;

/// What came of a reload.
struct ReloadReport {
  std::chrono::system_clock::time_point time{};
  std::vector<std::string> errors{}; ///< one line each, file:line:column: message; none: the configuration is in force
  std::vector<std::string> warnings{};

  bool ok() const noexcept { return errors.empty(); }
};

using ReloadDone = std::function<void(const ReloadReport&)>;

/// What is reloaded and drained: main's Daemon, and in tests something simpler. Called on the loop.
class Managed {
public:
  Managed() = default;
  Managed(const Managed&) = delete;
  Managed& operator=(const Managed&) = delete;
  virtual ~Managed() = default;

  /// What serves now.
  virtual config::ConfigPtr current() const = 0;
  /// Puts a configuration into force; an error means that nothing changed.
  virtual std::expected<void, std::string> apply(config::ConfigPtr config) = 0;
  /// No new connections or requests from here on; those in flight go on, and `done` is called once after the last, on
  /// the loop.
  virtual void drain(std::function<void()> done) = 0;
  /// What the drain waits for.
  virtual std::size_t connections() const = 0;
  /// How long it waits at most.
  virtual std::chrono::milliseconds drain_limit() const = 0;
};

/// One line of event=config-warning each.
void log_warnings(Log& log, const config::Config& config);

class Lifecycle {
public:
  /// Reads and checks the configuration; runs on a thread, so it touches nothing that it does not own.
  using Load = std::function<LoadOutcome()>;

  Lifecycle(boost::asio::io_context& loop, Log& log, Managed& managed, Load load);
  Lifecycle(const Lifecycle&) = delete;
  Lifecycle& operator=(const Lifecycle&) = delete;
  /// Waits for a configuration that is being read; see loading().
  ~Lifecycle();

  /// The daemon accepts connections: says so to the service manager and obeys signals. `hangups` was made with SIGHUP
  /// before the first configuration was read, so that no SIGHUP is missed; it must outlive this object.
  void start(boost::asio::signal_set& hangups);

  /// Runs the loop until it is stopped. What a handler throws is logged and ends nothing else.
  void run();

  /// `done`, which may be empty, is called once, on the loop, with what came of a reload that began after this call.
  void reload(ReloadDone done = {});

  /// The last one that was finished; nullopt: none was.
  const std::optional<ReloadReport>& last_reload() const noexcept { return last_reload_; }

  /// Drains; called again, stops the loop.
  void stop(std::string_view why);

  /// A configuration is being read. A process that ends then should not wait for it: the file may be on a dead disk.
  bool loading() const noexcept { return loading_; }

  /// True from start() to the beginning of the drain.
  bool serving() const noexcept { return signals_ != nullptr && !draining_; }

  struct Reloads {
    std::uint64_t applied = 0;
    std::uint64_t failed = 0;
    bool failing = false; ///< the last one failed
  };

  const Reloads& reloads() const noexcept { return reloads_; }

private:
  void wait_for_signal();
  void start_loading();
  void loaded(LoadOutcome outcome);
  ReloadReport put_into_force(LoadOutcome outcome);
  static void tell(const std::vector<ReloadDone>& waiting, const ReloadReport& report);
  std::expected<void, std::string> apply(config::ConfigPtr config);
  void retire(config::ConfigPtr old);
  void watch_retired();
  void free_retired();
  void drained();

  boost::asio::io_context& loop_;
  Log& log_;
  Managed& managed_;
  Load load_;
  Notify notify_;
  boost::asio::signal_set* signals_ = nullptr;
  boost::asio::steady_timer drain_timer_;
  boost::asio::steady_timer retire_timer_;
  std::vector<config::ConfigPtr> retired_;
  std::thread loader_;
  std::optional<ReloadReport> last_reload_;
  std::vector<ReloadDone> waiting_; ///< for what is being read
  std::vector<ReloadDone> wait_for_next_;
  Reloads reloads_;
  bool loading_ = false;
  bool load_again_ = false;
  bool draining_ = false;
};

} // namespace danegate::service
