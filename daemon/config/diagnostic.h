// Where something stands in a configuration file, and what is wrong there.
//
// Diagnostics collects while a configuration is read, so that one run reports every mistake and not only the first.
// Used by one thread, for the length of one load().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::config {

/// Line and column count from 1, columns in characters; line 0 means the file as a whole.
struct Place {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  /// "file:line:column", or "file".
  std::string text() const;
  friend bool operator==(const Place&, const Place&) = default;
};

struct ConfigError {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string message; ///< what was expected, and what was found
  std::string id{};    ///< of a warning: names its kind for `danegate check`; empty: an error

  /// "file:line:column: message".
  std::string text() const;
};

class Diagnostics {
public:
  static constexpr std::size_t max_kept = 100; ///< errors, and as many warnings; a wrong list of a million lines is one

  /// Reports are sorted by file in the order of these calls, then by position.
  void begin_file(std::string file) { files_.push_back(std::move(file)); }

  void error(const Place& place, std::string message);
  void warn(const Place& place, std::string_view id, std::string message);

  bool failed() const noexcept { return error_count_ > 0; }

  std::size_t error_count() const noexcept { return error_count_; }

  /// Sorted; where more than max_kept came in, the last entry says so.
  std::vector<ConfigError> take_errors();
  std::vector<ConfigError> take_warnings();

private:
  std::vector<ConfigError> sorted(std::vector<ConfigError> list) const;

  std::vector<std::string> files_;
  std::vector<ConfigError> errors_;
  std::vector<ConfigError> warnings_;
  std::size_t error_count_ = 0;
};

} // namespace danegate::config
