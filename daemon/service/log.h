// Log lines: logfmt or JSON, to stderr or syslog. Everything but the verdict line goes through event().
//
// One object, made in main and handed down by reference. Thread-safe. Text from peers may be passed as a field value:
// control characters, quotes and invalid UTF-8 are escaped, and a value is cut at max_value octets (log_format.h).
//
// Nothing here blocks: lines are gathered and written by a thread (log_writer.h), and while the target blocks they are
// bounded; what is lost is counted and told later. Make the object after privileges were dropped: its thread inherits
// them.
#pragma once

#include "daemon/config/config.h"
#include "daemon/service/log_format.h"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace danegate::service {

struct LogField {
  LogKey key;
  std::string_view value;
};

class Log {
public:
  static constexpr std::size_t max_value = LineEncoder::max_value;

  /// `descriptor` stands for stderr; not owned.
  explicit Log(const config::LogSettings& settings, int descriptor = 2);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  /// `time=… level=… event=NAME msg="…" key=value …`. `message` is ours, never a peer's. With syslog, which has a time
  /// of its own, `time` is left out.
  void event(config::LogLevel level, std::string_view name, std::string_view message,
             std::initializer_list<LogField> fields = {});

  /// As event(), but at most once per minute and `key`; the next line carries `suppressed=N`.
  void event_limited(std::string_view key, config::LogLevel level, std::string_view name, std::string_view message,
                     std::initializer_list<LogField> fields = {});

  /// A line that is already encoded in the configured format, without its newline: the verdict line. It begins with its
  /// time, which is cut off for syslog.
  void line(config::LogLevel level, std::string_view encoded);

  /// Whether a line of this level is written at all: spares who would only encode it in vain.
  bool enabled(config::LogLevel level) const noexcept;

  /// On reload.
  void reconfigure(const config::LogSettings& settings);
  bool json() const noexcept;
  /// Lines that are lost since the start, because the target blocked or failed.
  std::uint64_t dropped() const;
  /// Waits, but not longer than LogWriter::patience, until what was logged so far is written. Not for the loop.
  void flush();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace danegate::service
