// danegate(1): the operator's tool.
//
// `danegate [--config FILE] COMMAND`; --config also after the command. Exit codes are those of sysexits(3): 0, 64 for
// wrong arguments, 65 for wrong input, 69 where the daemon cannot be reached, 70 for an error of its own, 75 for DNS
// that cannot be asked, 78 for a wrong configuration. Commands that answer a question have small numbers beside these
// (lookup.h, verify.h).
#include "daemon/config/postconf.h"
#include "daemon/ctl/check.h"
#include "daemon/ctl/cli.h"
#include "daemon/ctl/cli_online.h"
#include "daemon/ctl/explain_command.h"
#include "daemon/service/ports.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <exception>
#include <iostream>
#include <string>

#include <sysexits.h>
#include <unistd.h>

namespace {

using namespace danegate;

constexpr std::size_t help_column = 28; // where descriptions begin; every --help is to fit 24 lines of 80

struct Arguments {
  std::string config = "/etc/danegate/danegate.toml";
  std::string checked; ///< FILE of `check`; empty: `config`
  bool print_config = false;
  bool live = false; ///< of `check`: ask DNS; of `explain`: ask the running daemon
  bool list = false;
  std::string postfix_folder = config::postfix_folder;
  bool json = false;
  std::string certificate;
  std::string socket;
};

void add_config(CLI::App& app, Arguments& arguments) {
  app.add_option("--config", arguments.config, "Configuration file")->type_name("FILE")->capture_default_str();
}

CLI::App* add_check(CLI::App& app, Arguments& arguments) {
  auto* const check =
      app.add_subcommand("check", "Find what is wrong, here and in Postfix");
  add_config(*check, arguments);
  auto* const print = check->add_flag("--print-config", arguments.print_config, "Print every setting with its value");
  check->add_flag("--json", arguments.json, "One JSON object on standard output")->excludes(print);
  check->add_flag("--live", arguments.live, "Ask DNS for every identity that rules name");
  check->add_flag("--list", arguments.list, "Print every kind of finding, and nothing else");
  check->add_option("--postfix-config", arguments.postfix_folder, "Where Postfix has main.cf")
      ->type_name("DIR")
      ->capture_default_str();
  check->footer("Exit status: 0 no error, 75 DNS cannot be asked, 78 something is wrong.");
  check->add_option("FILE", arguments.checked, "Instead of the configuration file");
  return check;
}

CLI::App* add_explain(CLI::App& app, Arguments& arguments) {
  auto* const explain = app.add_subcommand("explain", "Show each step of the verdict on requests from stdin");
  add_config(*explain, arguments);
  explain->add_flag("--json", arguments.json, "One JSON object a line for each request");
  explain->add_option("--cert", arguments.certificate, "As if the mail server sent it: PEM or DER")->type_name("FILE");
  explain->add_flag("--live", arguments.live, "By the running daemon: its rules, cache and roster")->excludes("--cert");
  explain->add_option("--socket", arguments.socket, "Control socket for --live")->type_name("PATH");
  return explain;
}

int run_check(const Arguments& arguments) {
  if (arguments.list) {
    std::cout << ctl::kinds_as_text();
    return EX_OK;
  }
  const auto& folder = arguments.postfix_folder;
  const auto environment = config::read_environment(service::library_ports(), folder);
  ctl::CheckOptions options{arguments.checked.empty() ? arguments.config : arguments.checked};
  options.print_config = arguments.print_config;
  options.postconf = config::find_postconf(folder);
  options.postfix_folder = folder;
  options.live = arguments.live;
  options.json = arguments.json;
  options.progress = ::isatty(STDERR_FILENO) != 0;
  return ctl::check(options, environment, std::cout, std::cerr);
}

int run_explain(const Arguments& arguments) {
  const ctl::ExplainOptions options{arguments.config, arguments.certificate, arguments.json};
  if (arguments.live) return ctl::explain_live(options, arguments.socket, std::cin, std::cout, std::cerr);
  return ctl::explain(options, std::cin, std::cout, std::cerr);
}

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("The tool of danegate, which admits SMTP clients by name. See danegate(1).", "danegate");
  add_config(app, arguments);
  app.set_version_flag("--version", "danegate " DANEGATE_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(help_column);
  const auto* const check = add_check(app, arguments);
  add_explain(app, arguments);
  const auto key_commands = ctl::add_key_commands(app, arguments.config);
  const auto run_online = ctl::add_online_commands(app, arguments.config);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EX_OK : EX_USAGE;
  }
  if (const auto status = run_online()) return *status;
  for (const auto& command : key_commands)
    if (command.app->parsed()) return command.run();
  return check->parsed() ? run_check(arguments) : run_explain(arguments);
}

} // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "danegate: " << error.what() << '\n';
    return EX_SOFTWARE;
  }
}
