// The arguments of the commands that ask a running daemon.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace danegate::ctl {

/// Adds `status`, `cache` and `reload`. What is returned runs the one that was given, after parsing, and returns its
/// exit code; nullopt: it was another command. `config` is that of --config, and outlives the parsing.
std::function<std::optional<int>()> add_online_commands(CLI::App& app, std::string& config);

} // namespace danegate::ctl
