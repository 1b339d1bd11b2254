// The command line of the tool, a file for each group of commands. Only main.cpp and cli*.cpp know the library that
// reads it.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace danegate::ctl {

struct Command {
  CLI::App* app;            ///< owned by the program's; parsed() says whether it was asked for
  std::function<int()> run; ///< to be called after parsing; returns the exit code
};

/// lookup, verify, tlsa and provision: names and keys, without a running daemon. `config` is the file's name, of the
/// program's --config or of the command's, and has to live until run().
std::vector<Command> add_key_commands(CLI::App& app, std::string& config);

} // namespace danegate::ctl
