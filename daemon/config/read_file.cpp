#include "daemon/config/read_file.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace danegate::config {

namespace {

class Descriptor {
public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const noexcept { return fd_; }

private:
  int fd_;
};

std::unexpected<std::string> cannot_be_read(int error) {
  return std::unexpected("cannot be read: " + std::generic_category().message(error));
}

std::unexpected<std::string> too_long(std::size_t max_octets) {
  return std::unexpected(fmt::format("is longer than {} octets", max_octets));
}

/// Its length, once it is known to be a regular file within the bound.
std::expected<std::size_t, std::string> length_of(const Descriptor& descriptor, std::size_t max_octets) {
  struct stat status {};

  if (descriptor.get() < 0 || ::fstat(descriptor.get(), &status) != 0) return cannot_be_read(errno);
  if (!S_ISREG(status.st_mode)) return std::unexpected("is not a regular file");
  const auto length = static_cast<std::size_t>(status.st_size);
  if (length > max_octets) return too_long(max_octets);
  return length;
}

/// O_NONBLOCK: a FIFO in place of a file must not stop a start or a reload.
Descriptor open_file(const std::string& file) {
  return Descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

/// 0 at the end; the error is errno.
std::expected<std::size_t, int> read_some(const Descriptor& descriptor, char* into, std::size_t size) {
  while (true) {
    const auto got = ::read(descriptor.get(), into, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return std::unexpected(errno);
  }
}

/// Cuts what it is fed into lines.
class LineCutter {
public:
  LineCutter(std::size_t max_line, const LineHandler& handle) : max_line_(max_line), handle_(handle) {}

  void feed(std::string_view text) {
    while (!text.empty()) {
      const auto end = text.find('\n');
      const auto piece = text.substr(0, end);
      if (end != std::string_view::npos && rest_.empty() && !too_long_) {
        tell(piece);
      } else {
        keep(piece);
        if (end != std::string_view::npos) finish();
      }
      text.remove_prefix(std::min(piece.size() + 1, text.size()));
    }
  }

  /// A last line without its line end.
  void end() {
    if (!rest_.empty() || too_long_) finish();
  }

private:
  void keep(std::string_view piece) {
    too_long_ = too_long_ || rest_.size() + piece.size() > max_line_;
    if (!too_long_) rest_ += piece;
  }

  void finish() {
    tell(rest_);
    rest_.clear();
    too_long_ = false;
  }

  void tell(std::string_view line) {
    const bool over = too_long_ || line.size() > max_line_;
    handle_(over ? std::string_view() : line, ++number_, over);
  }

  std::size_t max_line_;
  const LineHandler& handle_;
  std::string rest_;
  bool too_long_ = false;
  std::uint32_t number_ = 0;
};

} // namespace

std::expected<std::string, std::string> read_file(const std::string& file, std::size_t max_octets) {
  const auto descriptor = open_file(file);
  const auto length = length_of(descriptor, max_octets);
  if (!length) return std::unexpected(length.error());
  std::string text(*length + 1, '\0'); // one octet more, to see a file that grows
  std::size_t filled = 0;
  while (filled < text.size()) {
    const auto got = read_some(descriptor, text.data() + filled, text.size() - filled);
    if (!got) return cannot_be_read(got.error());
    if (*got == 0) break;
    filled += *got;
  }
  if (filled > *length) return std::unexpected("changed while it was read");
  text.resize(filled);
  return text;
}

std::expected<void, std::string> read_lines(const std::string& file, FileBounds bounds,
                                            const std::function<void(std::size_t)>& begin, const LineHandler& handle) {
  constexpr std::size_t block_octets = 65536;
  const auto descriptor = open_file(file);
  const auto length = length_of(descriptor, bounds.octets);
  if (!length) return std::unexpected(length.error());
  begin(*length);
  std::string block(block_octets, '\0');
  LineCutter cutter(bounds.line, handle);
  for (std::size_t read = 0;;) {
    const auto got = read_some(descriptor, block.data(), block.size());
    if (!got) return cannot_be_read(got.error());
    if (*got == 0) break;
    read += *got;
    if (read > *length) return std::unexpected("changed while it was read");
    cutter.feed(std::string_view(block).substr(0, *got));
  }
  cutter.end();
  return {};
}

} // namespace danegate::config
