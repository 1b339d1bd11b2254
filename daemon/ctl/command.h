// What the tool's commands have in common: how they end, and the configuration that they go by.
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/ports.h"

#include <expected>
#include <functional>
#include <iosfwd>
#include <string>
#include <utility>

namespace danegate::ctl {

inline constexpr const char* default_config = "/etc/danegate/danegate.toml";

/// Ends a command: what to say on standard error, and the exit code.
struct Failure {
  int status;
  std::string message;
};

Failure wrong_file(const std::string& file, const std::string& why);

/// The value, or the error as the end of the command.
template <class T>
T value_or_end(std::expected<T, std::string> result, int status) {
  if (!result) throw Failure{status, std::move(result.error())};
  return std::move(*result);
}

/// What was read from a file; an error gets its name and is EX_DATAERR.
template <class T>
T contents_or_end(const std::string& file, std::expected<T, std::string> contents) {
  if (!contents) throw wrong_file(file, contents.error());
  return std::move(*contents);
}

/// Throws Failure{EX_CONFIG}: every mistake, a line each.
config::ConfigPtr load_config(const std::string& file, const core::Ports& ports);

/// The same; but where there is no file of the default name, every setting has its default. For what is done on hosts
/// that have no danegated, such as a client's.
config::ConfigPtr load_config_if_any(const std::string& file, const core::Ports& ports);

/// Where a client's records are published (owner_choice.h), by the services of that configuration. It is not read where
/// `label` is given or `name` is an owner name. The error is for people; throws as load_config().
std::expected<core::OwnerName, std::string> find_owner(const std::string& config_file, const std::string& name,
                                                       const std::string& label, const std::string& service);

/// What the command returns. A Failure is told to `err`, and so is a std::runtime_error: libunbound does not take the
/// settings, EX_CONFIG.
int run_guarded(std::ostream& err, const std::function<int()>& command);

} // namespace danegate::ctl
