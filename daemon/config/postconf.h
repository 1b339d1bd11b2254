// Asks Postfix's own tool what its configuration says. No shell; bounded in time and output.
//
// Blocking, so for start-up and for the operator's tool only.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::config {

struct PostconfQuery {
  std::string program; ///< absolute path
  std::vector<std::string> arguments;
  std::chrono::milliseconds timeout{5000};
};

inline constexpr std::size_t max_postconf_output = 1048576; ///< all parameters of a fresh installation: 36 KiB
inline constexpr const char* postfix_folder = "/etc/postfix";

/// Where the tool is on this host; empty: there is no Postfix, or none that is configured in that folder.
std::string find_postconf(const std::string& folder = postfix_folder);

/// What it writes. nullopt if it could not be started, ended with an error, took too long or said too much.
std::optional<std::string> run_postconf(const PostconfQuery& query);

/// The "name = value" lines of its output, by name; lines of another form are left out.
std::map<std::string, std::string> parse_postconf(std::string_view text);

/// Both together.
std::optional<std::map<std::string, std::string>> ask_postconf(const PostconfQuery& query);

/// Values of main.cf with their $names expanded.
PostconfQuery main_cf_query(std::string program, std::vector<std::string> names,
                            const std::string& folder = postfix_folder);

} // namespace danegate::config
