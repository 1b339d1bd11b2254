#include "daemon/ctl/key_folder.h"

#include "daemon/core/digest.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/tlsa_advice.h"
#include "daemon/service/ports.h"
#include "daemon/service/safe_file.h"
#include "daemon/tls/certificate.h"
#include "daemon/tls/new_credential.h"
#include "daemon/tls/public_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

namespace danegate::ctl {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view old_prefix = "old-";
constexpr std::size_t old_octets = 4;    // of the record, in a name
constexpr std::size_t max_old_keys = 64; // listed

Failure cannot(const fs::path& path, std::string_view what, int error) {
  return {EX_CANTCREAT, fmt::format("{}: {}: {}", path.string(), what, std::generic_category().message(error))};
}

bool is_taken(const fs::path& path) {
  std::error_code error;
  const auto status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found) return false;
  if (error) throw wrong_file(path.string(), error.message());
  return true;
}

void check_path(const fs::path& path) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-+@:/").contains(c);
  };
  if (!std::ranges::all_of(path.string(), plain))
    throw Failure{EX_USAGE, fmt::format("--dir: \"{}\" is to stand in main.cf, where only letters, digits and ._-+@:/ "
                                        "are taken as they are",
                                        path.string())};
}

ProvisionedKey read_key(KeyRole role, const fs::path& path) {
  const auto file = path.string();
  const auto certificate = contents_or_end(file, tls::read_certificate(file));
  if (contents_or_end(file, tls::read_public_key(file)) != certificate.spki_der)
    throw wrong_file(file, "the certificate is not that of the key before it");
  auto record = contents_or_end(file, make_record({}, {{}, certificate.spki_der}, service::library_ports().hash));
  return {role, file, std::move(record), false};
}

/// Empty unless somebody else may read or write there.
std::string loose(const fs::path& path, mode_t forbidden, std::string_view advice) {
  struct stat status{};

  if (::stat(path.c_str(), &status) != 0 || (status.st_mode & forbidden) == 0) return {};
  if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0) return {};
  return fmt::format("{}: others can {}", path.string(), advice);
}

} // namespace

KeyFolder::KeyFolder(const fs::path& folder, const core::DnsName& name)
    : folder_((fs::absolute(folder) / name.text()).lexically_normal()), name_(name) {
  check_path(folder_);
}

fs::path KeyFolder::file_of(KeyRole role) const {
  return folder_ / (role == KeyRole::next ? "next.pem" : "key.pem");
}

std::optional<ProvisionedKey> KeyFolder::find(KeyRole role) const {
  const auto file = file_of(role);
  if (!is_taken(file)) return std::nullopt;
  return read_key(role, file);
}

std::vector<ProvisionedKey> KeyFolder::old_keys() const {
  std::vector<ProvisionedKey> keys;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const auto file = it->path().filename().string();
    if (file.starts_with(old_prefix) && file.ends_with(".pem") && keys.size() < max_old_keys)
      keys.push_back(read_key(KeyRole::old, it->path()));
  }
  std::ranges::sort(keys, {}, &ProvisionedKey::file);
  return keys;
}

void KeyFolder::make_folder() const {
  std::error_code error;
  fs::create_directories(folder_.parent_path().parent_path(), error);
  for (const auto& folder : {folder_.parent_path(), folder_})
    if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) throw cannot(folder, "cannot be made", errno);
}

ProvisionedKey KeyFolder::find_or_make(KeyRole role) const {
  if (auto key = find(role)) return std::move(*key);
  make_folder();
  const auto file = file_of(role).string();
  const auto fail = [&file](const std::string& why) { return Failure{EX_CANTCREAT, file + ": " + why}; };
  const auto credential = tls::make_credential(name_);
  if (!credential) throw Failure{EX_SOFTWARE, credential.error()};
  auto safe = service::SafeFile::begin(file);
  if (!safe) throw fail(safe.error());
  if (const auto written = safe->write(credential->view()); !written) throw fail(written.error());
  if (const auto done = safe->commit_new(); !done) throw fail(done.error());
  auto key = read_key(role, file);
  key.made = true;
  return key;
}

void KeyFolder::switch_over() const {
  const auto current = read_key(KeyRole::current, file_of(KeyRole::current));
  const auto next = read_key(KeyRole::next, file_of(KeyRole::next));
  const auto digits = core::to_hex(core::ByteView(current.record.data).first(old_octets));
  const auto old = folder_ / fmt::format("{}{}.pem", old_prefix, digits);
  if (::link(current.file.c_str(), old.c_str()) != 0) {
    const int error = errno;
    // A switch that was interrupted here has left it; anything else of this name is not ours to touch.
    if (error != EEXIST || read_key(KeyRole::old, old).record != current.record)
      throw cannot(old, "the present key cannot be kept there", error);
  }
  if (::rename(next.file.c_str(), current.file.c_str()) != 0) throw cannot(current.file, "cannot be replaced", errno);
  service::flush_folder(current.file);
}

std::vector<std::string> KeyFolder::warnings() const {
  std::vector<std::string> found;
  const auto add = [&found](std::string warning) {
    if (!warning.empty()) found.push_back(std::move(warning));
  };
  for (const auto& folder : {folder_.parent_path(), folder_})
    add(loose(folder, S_IWGRP | S_IWOTH, "replace the keys in there; chmod go-w"));
  for (const auto role : {KeyRole::current, KeyRole::next})
    add(loose(file_of(role), S_IRWXG | S_IRWXO, "read this key; chmod 600, or make a new one"));
  return found;
}

} // namespace danegate::ctl
