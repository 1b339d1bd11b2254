#include "daemon/service/lifecycle.h"

#include "daemon/service/signal_block.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <iterator>
#include <memory>
#include <system_error>
#include <utility>

namespace danegate::service {

namespace {

using config::LogLevel;

constexpr std::chrono::milliseconds retire_poll{100};

LoadOutcome failure(std::string message) {
  std::vector<config::ConfigError> errors;
  errors.push_back({.file = "configuration", .line = 0, .column = 0, .message = std::move(message)});
  return std::unexpected(std::move(errors));
}

LoadOutcome guarded(const Lifecycle::Load& load) {
  try {
    return load();
  } catch (const std::exception& error) {
    return failure(error.what());
  }
}

ReloadReport stopping_report() {
  return {.time = std::chrono::system_clock::now(), .errors = {"danegated is stopping: nothing is reloaded"}};
}

/// Asio's handlers let a signal cut system calls short. ub_process() waits for the rest of a message that libunbound's
/// thread has begun, and takes a wait that was cut short for the end of that thread: what was being looked up is lost.
void let_calls_go_on(int number) {
  struct sigaction action{};
  if (::sigaction(number, nullptr, &action) != 0) return;
  action.sa_flags |= SA_RESTART;
  ::sigaction(number, &action, nullptr);
}

/// Only the list holds it, and only the snapshot holds its rules.
bool is_unused(const config::ConfigPtr& config) {
  return config.use_count() == 1 && config->rules.use_count() == 1;
}

} // namespace

void log_warnings(Log& log, const config::Config& config) {
  for (const auto& warning : config.warnings)
    log.event(LogLevel::warning, "config-warning", "the configuration is in force, but look at it",
              {{"warning", warning.text()}});
}

Lifecycle::Lifecycle(boost::asio::io_context& loop, Log& log, Managed& managed, Load load)
    : loop_(loop), log_(log), managed_(managed), load_(std::move(load)), notify_(loop), drain_timer_(loop),
      retire_timer_(loop) {}

Lifecycle::~Lifecycle() {
  if (loader_.joinable()) loader_.join();
}

void Lifecycle::start(boost::asio::signal_set& hangups) {
  signals_ = &hangups;
  signals_->add(SIGTERM);
  signals_->add(SIGINT);
  for (const int number : {SIGHUP, SIGTERM, SIGINT})
    let_calls_go_on(number);
  wait_for_signal();
  notify_.ready("Running");
  notify_.start_watchdog();
}

void Lifecycle::run() {
  while (!loop_.stopped()) {
    try {
      loop_.run();
    } catch (const std::exception& error) {
      log_.event(LogLevel::error, "internal-error", "a handler failed; the daemon goes on", {{"error", error.what()}});
    }
  }
}

void Lifecycle::wait_for_signal() {
  signals_->async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    wait_for_signal(); // first: what follows may throw
    if (number == SIGHUP)
      reload();
    else
      stop(number == SIGTERM ? "SIGTERM" : "SIGINT");
  });
}

void Lifecycle::reload(ReloadDone done) {
  if (draining_) {
    if (done) done(stopping_report());
    return;
  }
  if (loading_) {
    load_again_ = true;
    if (done) wait_for_next_.push_back(std::move(done));
    return;
  }
  loading_ = true;
  if (done) waiting_.push_back(std::move(done));
  start_loading();
}

void Lifecycle::start_loading() {
  notify_.reloading();
  if (loader_.joinable()) loader_.join(); // it has posted its result, and ends
  try {
    const SignalBlock blocked;
    loader_ = std::thread([this, load = load_] {
      auto outcome = std::make_shared<LoadOutcome>(guarded(load));
      boost::asio::post(loop_, [this, outcome] { loaded(std::move(*outcome)); });
    });
  } catch (const std::system_error& error) {
    loaded(failure(error.what()));
  }
}

void Lifecycle::loaded(LoadOutcome outcome) {
  loading_ = false;
  if (draining_) return;
  last_reload_ = put_into_force(std::move(outcome));
  const bool accepted = last_reload_->ok();
  ++(accepted ? reloads_.applied : reloads_.failed);
  reloads_.failing = !accepted;
  notify_.ready(accepted ? "Running" : "Running with the configuration of before: the last reload failed, see the log");
  const auto told = std::exchange(waiting_, std::exchange(wait_for_next_, {}));
  if (std::exchange(load_again_, false)) reload();
  tell(told, *last_reload_);
}

void Lifecycle::tell(const std::vector<ReloadDone>& waiting, const ReloadReport& report) {
  for (const ReloadDone& done : waiting)
    done(report);
}

ReloadReport Lifecycle::put_into_force(LoadOutcome outcome) {
  ReloadReport report{.time = std::chrono::system_clock::now()};
  if (!outcome) {
    for (const auto& error : outcome.error()) {
      report.errors.push_back(error.text());
      log_.event(LogLevel::error, "reload-failed", "the configuration is wrong; the old one stays",
                 {{"error", report.errors.back()}});
    }
    return report;
  }
  config::ConfigPtr old = managed_.current();
  if (const auto applied = apply(*outcome); !applied) {
    log_.event(LogLevel::error, "reload-failed", "the configuration cannot be put into force; the old one stays",
               {{"error", applied.error()}});
    report.errors.push_back(applied.error());
    retire(std::move(*outcome));
    return report;
  }
  for (const auto& warning : (*outcome)->warnings)
    report.warnings.push_back(warning.text());
  log_warnings(log_, **outcome);
  log_.event(LogLevel::info, "reloaded", "the new configuration is in force");
  retire(std::move(old));
  return report;
}

std::expected<void, std::string> Lifecycle::apply(config::ConfigPtr config) {
  try {
    return managed_.apply(std::move(config));
  } catch (const std::exception& error) {
    return std::unexpected(error.what());
  }
}

void Lifecycle::retire(config::ConfigPtr old) {
  retired_.push_back(std::move(old));
  watch_retired();
}

void Lifecycle::watch_retired() {
  retire_timer_.expires_after(retire_poll);
  retire_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    free_retired();
    if (!retired_.empty()) watch_retired();
  });
}

void Lifecycle::free_retired() {
  const auto unused = std::ranges::partition(retired_, [](const auto& config) { return !is_unused(config); });
  std::vector<config::ConfigPtr> dead(std::make_move_iterator(unused.begin()), std::make_move_iterator(unused.end()));
  retired_.erase(unused.begin(), unused.end());
  if (dead.empty()) return;
  const SignalBlock blocked;
  std::thread([dead = std::move(dead)]() mutable { dead.clear(); }).detach(); // it owns all that it touches
}

void Lifecycle::stop(std::string_view why) {
  if (std::exchange(draining_, true)) {
    log_.event(LogLevel::warning, "stopping", "asked again: stopping at once", {{"why", why}});
    loop_.stop();
    return;
  }
  log_.event(LogLevel::info, "stopping", "no new requests; those in flight are finished", {{"why", why}});
  tell(std::exchange(waiting_, {}), stopping_report());
  tell(std::exchange(wait_for_next_, {}), stopping_report());
  notify_.stopping("Finishing the requests in flight");
  drain_timer_.expires_after(managed_.drain_limit());
  drain_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) drained();
  });
  managed_.drain([this] { drained(); });
}

void Lifecycle::drained() {
  if (const std::size_t left = managed_.connections(); left > 0)
    log_.event(LogLevel::warning, "stopping", "time is up: requests in flight are cut off",
               {{"connections", std::to_string(left)}});
  loop_.stop();
}

} // namespace danegate::service
