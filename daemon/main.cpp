// danegated(8): the composition root. Makes the objects, in the order in which a daemon has to be made, and runs them.
//
// Start: arguments, configuration, listeners, privileges, trust anchors, log, resolver, ready. What fails before the
// log is there is told on stderr, as "danegated: file:line:column: message". Exit codes are those of sysexits(3):
//
//   0   asked to end, and drained           69  a listener cannot be opened; the message names its address
//   64  wrong arguments                     70  an error of danegated's own
//   67  server.user does not exist          71  the system refused something else
//   78  the configuration is wrong
//
// Runs in the foreground, on one thread; the log's writer, the resolver, a reload and libmilter have threads of their
// own. Nothing blocks on the loop, and nothing that a handler throws ends it. With a milter the process ends by
// _exit(): libmilter's workers may be in a callback until then, so nothing that they use is destroyed.
#include "daemon/control_room.h"
#include "daemon/service/authenticator.h"
#include "daemon/service/clock_watch.h"
#include "daemon/service/descriptor_limit.h"
#include "daemon/service/evidence_join.h"
#include "daemon/service/hold_off_log.h"
#include "daemon/service/judge_gateway.h"
#include "daemon/service/last_words.h"
#include "daemon/service/lifecycle.h"
#include "daemon/service/log.h"
#include "daemon/service/metrics_server.h"
#include "daemon/service/overloads.h"
#include "daemon/service/ports.h"
#include "daemon/service/roster_store.h"
#include "daemon/service/shared_config.h"
#include "daemon/start.h"
#include "policy/handler.h"
#include "policy/server.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <expected>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sysexits.h>
#include <unistd.h>

namespace danegate {

namespace {

namespace asio = boost::asio;
using config::LogLevel;

class Daemon final : public service::Managed {
public:
  Daemon(asio::io_context& loop, service::Log& log, const std::string& file, config::ConfigPtr config,
         std::unique_ptr<dns::TlsaSource> source)
      : loop_(loop), log_(log), config_(config), for_threads_(std::move(config)), overloads_(loop, log),
        authenticator_(loop, config_, std::move(source)), handler_(policy_parts(), log),
        server_(
            loop,
            [this](const policy::Request& request, policy::Channel channel) {
              return handler_.reply_to(request, channel);
            },
            [this] { return config_; }, log, {}, [this](service::Bound bound) { overloads_.note_told(bound); }),
        gateway_(
            loop,
            [this](core::Question&& question, const config::ConfigPtr& snapshot) {
              return authenticator_.judge_outside(std::move(question), snapshot);
            },
            judge(), [this](service::Bound bound) { overloads_.note(bound); }),
        drain_poll_(loop), roster_(service::RosterKeeper::make(loop, log, service::library_ports().hash)),
        store_(loop, log, roster_, service::library_ports().hash), clock_(loop, log, [this] { drop_answers(); }),
        control_(loop, log,
                 {.configuration = file,
                  .authenticator = authenticator_,
                  .roster = *roster_,
                  .overloads = overloads_,
                  .verdicts = verdicts_.totals(),
                  .policy = server_,
                  .judge = [this] { return policy_parts(); },
                  .milter_messages = [this] { return messages(); },
                  .milter = [this] { return milter_ ? milter_->address().text() : std::string(); },
                  .lifecycle = &lifecycle}) {
    authenticator_.watch(
        {.bound = [this](service::Bound bound, const auto& client) { overloads_.note(bound, client); },
         .hold_off = [&log](const core::HoldOff::Change& change) { service::log_hold_off(log, change); }});
    authenticator_.use_roster(roster_);
    store_.load(*config_);
    clock_.start();
  }

  void listen(std::vector<service::BoundListener> listeners);

  void listen_for_control(std::vector<service::BoundListener> opened) {
    control_.use(config_->server, std::move(opened));
  }

  /// Null: there is no milter.
  void serve_milter(std::unique_ptr<milter::Adapter> adapter);
  /// With `lifecycle` set.
  void serve_metrics(std::vector<service::BoundListener> opened);
  std::string listeners() const;

  /// After the loop has ended.
  void save_state() { store_.save_and_stop(); }

  /// For the thread that loads the next configuration.
  std::shared_ptr<const core::RosterPlan> roster_plan() const { return for_threads_.get()->roster_plan; }

  config::ConfigPtr current() const override { return config_; }

  std::expected<void, std::string> apply(config::ConfigPtr next) override;

  void drain(std::function<void()> done) override;

  std::size_t connections() const override { return server_.connections() + messages() + control_.connections(); }

  std::chrono::milliseconds drain_limit() const override { return config_->limits.deadline + std::chrono::seconds(1); }

  /// Set before the loop runs; outlives its last turn.
  service::Lifecycle* lifecycle = nullptr;

  /// Called when libmilter stops serving unasked.
  std::function<void()> on_milter_lost;

  bool has_milter() const noexcept { return milter_ != nullptr; }

  /// The last that is done where libmilter's workers may still run.
  void close_milter();

private:
  service::JudgeOnLoop judge() {
    return [this](core::Question&& question, config::ConfigPtr snapshot) {
      return authenticator_.begin(std::move(question), std::move(snapshot));
    };
  }

  policy::Handler::Parts policy_parts() {
    return {.config = [this] { return config_; },
            .judge = judge(),
            .to_ascii = service::library_ports().to_ascii,
            .join = config_->milter.listen ? &join_ : nullptr,
            .counts = &verdicts_};
  }

  service::Measurements measure() const;

  std::size_t messages() const { return milter_ ? milter_->messages() : 0; }

  /// Everything that was looked up so far is forgotten, in the state file as well. Throws if no new resolver can be
  /// made: nothing is known then until one can.
  void drop_answers() {
    store_.reconfigure(*config_, true);
    authenticator_.renew([this] { return service::make_resolver(loop_, log_, config_->dns); });
  }

  void warn_of_restart(const config::Config& next);
  void wait_for_messages();

  asio::io_context& loop_;
  service::Log& log_;
  config::ConfigPtr config_;
  service::SharedConfig for_threads_;
  service::EvidenceJoin join_;
  service::Overloads overloads_;
  service::VerdictCounts verdicts_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  service::Authenticator authenticator_;
  policy::Handler handler_;
  policy::Server server_;
  service::JudgeGateway gateway_;
  std::unique_ptr<milter::Adapter> milter_;
  asio::steady_timer drain_poll_;
  std::function<void()> drained_;
  bool none_before_ = false; ///< no message was under way at the last look
  std::shared_ptr<service::RosterKeeper> roster_;
  service::RosterStore store_;
  service::ClockWatch clock_;
  ControlRoom control_;
  std::unique_ptr<service::MetricsServer> metrics_;
};

void Daemon::listen(std::vector<service::BoundListener> listeners) {
  for (service::BoundListener& listener : listeners) {
    const bool wanted = std::ranges::find(config_->policy.listen, listener.address()) != config_->policy.listen.end();
    if (!wanted) // closing it would leave clients in a backlog that systemd keeps open
      log_.event(LogLevel::warning, "listener-unlisted", "systemd hands over a socket that policy.listen does not name",
                 {{"listener", listener.address().text()}});
    server_.add_listener(std::move(listener));
  }
}

void Daemon::serve_milter(std::unique_ptr<milter::Adapter> adapter) {
  if (!adapter) return;
  milter_ = std::move(adapter);
  const milter::Session::Parts session{.config = [this] { return for_threads_.get(); },
                                       .join = &join_,
                                       .to_ascii = service::library_ports().to_ascii,
                                       .now = std::chrono::steady_clock::now};
  milter_->start({.session = session,
                  .gateway = &gateway_,
                  .log = &log_,
                  .bound_met = [this](service::Bound bound) { overloads_.note(bound); },
                  .counts = &verdicts_},
                 [this] {
                   asio::post(loop_, [this] {
                     log_.event(LogLevel::error, "milter-lost",
                                "libmilter has stopped serving; danegated ends, to be started again");
                     if (on_milter_lost) on_milter_lost();
                   });
                 });
}

void Daemon::serve_metrics(std::vector<service::BoundListener> opened) {
  metrics_ = std::make_unique<service::MetricsServer>(
      loop_, log_,
      service::MetricsServer::Parts{.measure = [this] { return measure(); },
                                    .ready = [this] { return lifecycle->serving(); }});
  metrics_->set_listener(config_->metrics.listen, std::move(opened));
}

service::Measurements Daemon::measure() const {
  auto now = service::measure(authenticator_, *roster_, overloads_);
  now.verdicts = verdicts_.snapshot();
  now.policy_connections = server_.connections();
  now.milter_connections = milter_ ? milter_->connections() : 0;
  now.milter_messages = messages();
  now.reloads = lifecycle->reloads();
  now.log_lines_dropped = log_.dropped();
  now.started = started_;
  return now;
}

std::string Daemon::listeners() const {
  std::string text;
  for (const config::Listen& listen : server_.listening())
    text += (text.empty() ? "" : " ") + listen.text();
  if (milter_) text += " milter=" + milter_->address().text();
  for (const config::Listen& listen : control_.listening())
    text += " control=" + listen.text();
  if (metrics_ && config_->metrics.listen) text += " metrics=" + config_->metrics.listen->text();
  return text;
}

/// Policy connections first, then messages under way in the milter; Lifecycle bounds it all.
void Daemon::drain(std::function<void()> done) {
  drained_ = std::move(done);
  if (milter_) milter_->stop();
  control_.drain();
  server_.drain([this] { wait_for_messages(); });
}

/// Until none was under way twice in a row: libmilter writes the last reply after its callback has returned.
void Daemon::wait_for_messages() {
  const bool none = messages() == 0 && control_.connections() == 0;
  if (none && (!milter_ || none_before_)) return drained_();
  none_before_ = none;
  constexpr std::chrono::milliseconds interval{50};
  drain_poll_.expires_after(interval);
  drain_poll_.async_wait([this](const boost::system::error_code& error) {
    if (!error) wait_for_messages();
  });
}

void Daemon::close_milter() {
  gateway_.close();
  milter_->stop();
}

/// First all that can fail, then the change.
std::expected<void, std::string> Daemon::apply(config::ConfigPtr next) {
  if (next->milter.listen != config_->milter.listen)
    return std::unexpected("milter.listen changes with a restart only: libmilter opens one socket to a process");
  auto opened = service::open_listeners(next->policy, server_.listening());
  if (!opened) return std::unexpected(opened.error());
  auto control = ControlRoom::open(next->server, control_.listening());
  if (!control) return std::unexpected(control.error());
  auto metrics = service::open_listeners(next->metrics, metrics_->listening());
  if (!metrics) return std::unexpected(metrics.error());
  std::unique_ptr<dns::TlsaSource> source;
  try {
    if (next->dns != config_->dns) source = service::make_resolver(loop_, log_, next->dns);
  } catch (const std::exception& error) {
    return std::unexpected(error.what());
  }
  warn_of_restart(*next);
  log_.reconfigure(next->log);
  config_ = std::move(next);
  for_threads_.set(config_);
  const bool dropped = source != nullptr;
  authenticator_.reconfigure(config_, std::move(source));
  store_.reconfigure(*config_, dropped);
  server_.set_listeners(config_->policy.listen, std::move(*opened));
  control_.use(config_->server, std::move(*control));
  metrics_->set_listener(config_->metrics.listen, std::move(*metrics));
  verdicts_.tidy(*config_->rules);
  return {};
}

void Daemon::warn_of_restart(const config::Config& next) {
  const auto warn = [this](std::string_view setting) {
    log_.event(LogLevel::warning, "restart-needed", "this setting changes with a restart only", {{"setting", setting}});
  };
  if (next.server.user != config_->server.user) warn("server.user");
  if (next.policy.socket_mode != config_->policy.socket_mode) warn("policy.socket-mode");
  if (next.policy.socket_group != config_->policy.socket_group) warn("policy.socket-group");
  if (next.milter.socket_mode != config_->milter.socket_mode) warn("milter.socket-mode");
  if (next.milter.socket_group != config_->milter.socket_group) warn("milter.socket-group");
}

int serve(const std::string& file) {
  asio::io_context loop(1);
  asio::signal_set hangups(loop, SIGHUP); // before the first file is read: no SIGHUP is missed
  service::raise_descriptor_limit();
  const auto environment = config::read_environment(service::library_ports());
  auto config = load_or_throw(file, environment);
  auto listeners = listeners_or_throw(config->policy);
  auto milter_adapter = milter_or_throw(config->milter);
  auto control = control_or_throw(config->server);
  auto metrics = metrics_or_throw(config->metrics);
  drop_privileges_or_throw(config->server.user);

  service::Log log(config->log);
  auto resolver = resolver_or_throw(loop, log, config->dns);
  Daemon daemon(loop, log, file, std::move(config), std::move(resolver));
  service::Lifecycle lifecycle(loop, log, daemon, [file, environment, &daemon] {
    return config::load(file, environment, daemon.roster_plan());
  });
  daemon.lifecycle = &lifecycle;
  daemon.listen(std::move(listeners));
  daemon.listen_for_control(std::move(control));
  int exit_code = EX_OK;
  daemon.on_milter_lost = [&] {
    exit_code = EX_OSERR;
    lifecycle.stop("milter");
  };
  daemon.serve_milter(std::move(milter_adapter));
  daemon.serve_metrics(std::move(metrics));
  service::log_warnings(log, *daemon.current());
  if (::geteuid() == 0)
    log.event(LogLevel::warning, "runs-as-root", "server.user is empty; nothing here needs root's privileges");
  log.event(LogLevel::info, "started", "danegated " DANEGATE_VERSION " accepts connections",
            {{"config", file}, {"listeners", daemon.listeners()}});
  lifecycle.start(hangups);
  lifecycle.run();
  daemon.save_state();
  log.event(LogLevel::info, "stopped", "danegated has ended");
  if (daemon.has_milter()) daemon.close_milter();
  if (daemon.has_milter() || lifecycle.loading()) { // libmilter's workers; a file on a dead disk, perhaps
    log.flush();
    std::_Exit(exit_code);
  }
  return exit_code;
}

int main_or_throw(int argc, char** argv) {
  std::string file = "/etc/danegate/danegate.toml";
  CLI::App app("Admits SMTP clients by name, with DANE: the policy daemon. See danegated(8).", "danegated");
  app.add_option("--config", file, "Configuration file")->type_name("FILE")->capture_default_str();
  app.set_version_flag("--version", "danegated " DANEGATE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EX_OK : EX_USAGE;
  }
  return serve(file);
}

int complain(const StartError& error) {
  for (const std::string& line : error.lines)
    std::cerr << "danegated: " << line << '\n';
  return error.exit_code;
}

} // namespace

} // namespace danegate

int main(int argc, char** argv) {
  std::set_terminate(danegate::service::last_words);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return danegate::main_or_throw(argc, argv);
  } catch (const danegate::StartError& error) {
    return danegate::complain(error);
  } catch (const std::system_error& error) {
    return danegate::complain({EX_OSERR, {error.what()}});
  } catch (const std::exception& error) {
    return danegate::complain({EX_SOFTWARE, {error.what()}});
  }
}
