// A file that is either the old one or the new one, whatever happens in between: written under another name, flushed to
// the disk, then renamed. Blocks; not for the loop.
#pragma once

#include "daemon/core/ports.h"

#include <cstddef>
#include <expected>
#include <optional>
#include <string>

namespace danegate::service {

/// Errors are "cannot be written: No space left on device" and the like, without the file's name.
class SafeFile {
public:
  /// Begins anew, whatever an interrupted attempt has left. The file will be readable for its owner only.
  static std::expected<SafeFile, std::string> begin(const std::string& file);

  SafeFile(SafeFile&& other) noexcept;
  SafeFile& operator=(SafeFile&&) = delete;
  SafeFile(const SafeFile&) = delete;
  SafeFile& operator=(const SafeFile&) = delete;
  /// Without commit() nothing has happened.
  ~SafeFile();

  std::expected<void, std::string> write(core::ByteView octets);
  std::expected<void, std::string> commit();
  /// The same, unless there is a file of this name: then "cannot be written: File exists", and it stays as it is.
  std::expected<void, std::string> commit_new();

  /// The name that is written under.
  static std::string temporary_name(const std::string& file) { return file + ".tmp"; }

private:
  std::expected<void, std::string> flush();

  SafeFile(std::string file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}

  std::string file_;
  int descriptor_;
};

/// So that a rename of this file is on the disk. A folder that cannot be opened was written to all the same.
void flush_folder(const std::string& file);

/// nullopt: there is no such file.
std::expected<std::optional<core::Bytes>, std::string> read_octets(const std::string& file, std::size_t max_octets);

} // namespace danegate::service
