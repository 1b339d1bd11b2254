#include "daemon/ctl/cli_online.h"

#include "daemon/ctl/online_commands.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>

#include <unistd.h>

namespace danegate::ctl {

namespace {

CLI::App* add_command(CLI::App& app, const char* name, const char* what, std::string& config) {
  auto* const command = app.add_subcommand(name, what);
  command->add_option("--config", config, "Configuration file, which names the control socket")
      ->type_name("FILE")
      ->capture_default_str();
  return command;
}

void add_common(CLI::App& command, OnlineOptions& options) {
  command.add_option("--socket", options.daemon.socket, "Control socket, instead of the configuration's")
      ->type_name("PATH");
  command.add_flag("--json", options.json, "One JSON object");
}

} // namespace

std::function<std::optional<int>()> add_online_commands(CLI::App& app, std::string& config) {
  const auto options = std::make_shared<OnlineOptions>();
  auto* const status = add_command(app, "status", "Show what the running daemon does", config);
  auto* const cache = add_command(app, "cache", "Show, or forget, what is known of a name", config);
  auto* const again = add_command(app, "reload", "Have the running daemon read its configuration again", config);
  for (auto* const command : {status, cache, again})
    add_common(*command, *options);
  cache->add_option("NAME", options->name, "Owner name; without: how much is known");
  cache->add_flag("--flush", options->flush, "Forget this name, or everything");
  return [=, &config]() -> std::optional<int> {
    options->daemon.config_file = config;
    if (status->parsed()) return show_status(*options, Style::for_descriptor(STDOUT_FILENO), std::cout, std::cerr);
    if (cache->parsed()) return show_cache(*options, std::cout, std::cerr);
    if (again->parsed()) return reload(*options, std::cout, std::cerr);
    return std::nullopt;
  };
}

} // namespace danegate::ctl
