// Reads a regular file of bounded length, whole or line by line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

namespace danegate::config {

/// The error is "cannot be read: No such file or directory" and the like, without the file's name.
std::expected<std::string, std::string> read_file(const std::string& file, std::size_t max_octets);

/// The lines of a file, without their line ends and without ever holding more than one block of it. Lines are numbered
/// from 1. A line that is longer than `max_line` is handed over empty, with `too_long`.
using LineHandler = std::function<void(std::string_view line, std::uint32_t number, bool too_long)>;

struct FileBounds {
  std::size_t octets;
  std::size_t line;
};

/// `begin(size)` is called before the first line. The error is as read_file() has it.
std::expected<void, std::string> read_lines(const std::string& file, FileBounds bounds,
                                            const std::function<void(std::size_t)>& begin, const LineHandler& handle);

} // namespace danegate::config
