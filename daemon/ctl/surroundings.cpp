#include "daemon/ctl/surroundings.h"

#include <grp.h>
#include <pwd.h>

#include <filesystem>
#include <system_error>

namespace danegate::ctl {

namespace {

std::string canonical(const std::string& path) {
  std::error_code error;
  const auto found = std::filesystem::weakly_canonical(path, error);
  return error ? std::filesystem::path(path).lexically_normal().string() : found.string();
}

std::optional<unsigned> group_of(const std::string& user) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread of the tool asks for users and groups
  const auto* const entry = user.empty() ? nullptr : ::getpwnam(user.c_str());
  return entry ? std::optional<unsigned>(entry->pw_gid) : std::nullopt;
}

std::optional<unsigned> group_number(const std::string& group) {
  const auto* const entry = ::getgrnam(group.c_str()); // NOLINT(concurrency-mt-unsafe): as above
  return entry ? std::optional<unsigned>(entry->gr_gid) : std::nullopt;
}

/// What may not be looked at is not said to be missing.
bool is_folder(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  return std::filesystem::is_directory(status) || (error && error != std::errc::no_such_file_or_directory);
}

} // namespace

Surroundings this_host() {
  return {canonical, group_of, group_number, is_folder};
}

} // namespace danegate::ctl
