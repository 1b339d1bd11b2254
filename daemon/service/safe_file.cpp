#include "daemon/service/safe_file.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace danegate::service {

namespace {

class Closer {
public:
  explicit Closer(int descriptor) noexcept : descriptor_(descriptor) {}

  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;

  ~Closer() { ::close(descriptor_); }

private:
  int descriptor_;
};

std::unexpected<std::string> failure(std::string_view what, int error) {
  return std::unexpected(std::string(what) + ": " + std::generic_category().message(error));
}

std::unexpected<std::string> cannot_be_written(int error) {
  return failure("cannot be written", error);
}

} // namespace

void flush_folder(const std::string& file) {
  const auto folder = std::filesystem::path(file).parent_path();
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

std::expected<SafeFile, std::string> SafeFile::begin(const std::string& file) {
  const auto name = temporary_name(file);
  ::unlink(name.c_str());
  const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return cannot_be_written(errno);
  return SafeFile(file, descriptor);
}

SafeFile::SafeFile(SafeFile&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

SafeFile::~SafeFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_name(file_).c_str());
}

// NOLINTNEXTLINE(readability-make-member-function-const): the file is what it changes
std::expected<void, std::string> SafeFile::write(core::ByteView octets) {
  while (!octets.empty()) {
    const auto written = ::write(descriptor_, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return cannot_be_written(errno);
    octets = octets.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

// NOLINTNEXTLINE(readability-make-member-function-const): the file is what it changes
std::expected<void, std::string> SafeFile::flush() {
  if (::fsync(descriptor_) != 0) return cannot_be_written(errno);
  return {};
}

std::expected<void, std::string> SafeFile::commit_new() {
  if (auto flushed = flush(); !flushed) return flushed;
  // By its descriptor: another process may have put a file of its own under the temporary name.
  const auto open_file = "/proc/self/fd/" + std::to_string(descriptor_);
  if (::linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, file_.c_str(), AT_SYMLINK_FOLLOW) != 0)
    return cannot_be_written(errno);
  ::close(std::exchange(descriptor_, -1));
  ::unlink(temporary_name(file_).c_str());
  flush_folder(file_);
  return {};
}

std::expected<void, std::string> SafeFile::commit() {
  const auto name = temporary_name(file_);
  if (auto flushed = flush(); !flushed) return flushed;
  if (::close(std::exchange(descriptor_, -1)) != 0 || ::rename(name.c_str(), file_.c_str()) != 0) {
    const int error = errno;
    ::unlink(name.c_str());
    return cannot_be_written(error);
  }
  flush_folder(file_);
  return {};
}

std::expected<std::optional<core::Bytes>, std::string> read_octets(const std::string& file, std::size_t max_octets) {
  constexpr std::string_view what = "cannot be read";
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0 && errno == ENOENT) return std::nullopt;
  if (descriptor < 0) return failure(what, errno);

  const Closer closer(descriptor);

  struct stat status{};

  if (::fstat(descriptor, &status) != 0) return failure(what, errno);
  if (!S_ISREG(status.st_mode)) return std::unexpected("is not a regular file");
  if (std::cmp_greater(status.st_size, max_octets)) return std::unexpected("is too long");
  core::Bytes octets(static_cast<std::size_t>(status.st_size));
  std::size_t filled = 0;
  while (filled < octets.size()) {
    const auto got = ::read(descriptor, octets.data() + filled, octets.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(what, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  octets.resize(filled);
  return octets;
}

} // namespace danegate::service
