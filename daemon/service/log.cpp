#include "daemon/service/log.h"

#include "daemon/service/log_writer.h"
#include "daemon/service/once_per_minute.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/syslog_sink.h>

namespace danegate::service {

namespace {

using config::LogLevel;
using config::LogSettings;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
  case LogLevel::debug: return spdlog::level::debug;
  case LogLevel::info: return spdlog::level::info;
  case LogLevel::warning: return spdlog::level::warn;
  case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

LogLevel from_spdlog(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return LogLevel::error;
  if (level == spdlog::level::warn) return LogLevel::warning;
  return level == spdlog::level::info ? LogLevel::info : LogLevel::debug;
}

/// spdlog writes `time` and `level`; the payload is the rest of the line, already encoded.
std::string pattern_of(const LogSettings& settings) {
  if (settings.json && settings.syslog) return R"({"level":"%l",%v})";
  if (settings.json) return R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";
  return settings.syslog ? "level=%l %v" : "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v";
}

std::unique_ptr<spdlog::formatter> formatter_of(const LogSettings& settings) {
  return std::make_unique<spdlog::pattern_formatter>(pattern_of(settings), spdlog::pattern_time_type::utc, "");
}

/// Hands spdlog's finished lines to the writer, in order with the verdict lines.
class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
  WriterSink(LogWriter& writer, const LogSettings& settings) : base_sink(formatter_of(settings)), writer_(writer) {}

private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    writer_.push(from_spdlog(message.level), {line.data(), line.size()});
  }

  void flush_() override {} // the writer's thread does

  LogWriter& writer_;
};

/// syslog(3), facility mail, where postmasters look. The writer's thread calls it, so it may block.
class SyslogTarget final : public LogTarget {
public:
  SyslogTarget()
      : logger_("syslog", std::make_shared<spdlog::sinks::syslog_sink_mt>("danegated", LOG_PID, LOG_MAIL, false)) {
    logger_.set_level(spdlog::level::trace);
  }

  bool write(const LogBatch& batch) noexcept override {
    std::string_view rest = batch.text;
    for (const LogBatch::Line& line : batch.lines) {
      const std::string_view text = rest.substr(0, line.length - 1);
      logger_.log(to_spdlog(line.level), spdlog::string_view_t(text.data(), text.size()));
      rest.remove_prefix(line.length);
    }
    return true;
  }

private:
  spdlog::logger logger_;
};

std::string encode_body(bool json, std::string_view name, std::string_view message, std::span<const LogField> fields) {
  std::string body;
  LineEncoder encoder(body, json);
  encoder.text("event", name);
  encoder.text("msg", message);
  for (const auto& [key, value] : fields)
    encoder.text(key, value);
  return body;
}

/// The line about lost lines, in whichever format is in use by then.
LogWriter::Notice notice_of(std::shared_ptr<const std::atomic<bool>> json, bool syslog) {
  return [json = std::move(json), syslog](std::size_t lost) {
    const LogSettings settings{.json = *json, .syslog = syslog};
    const std::string count = std::to_string(lost);
    const LogField field{"lost", count};
    const std::string body =
        encode_body(settings.json, "log-lost", "the log's reader was too slow, or failed", {&field, 1});
    spdlog::memory_buf_t line;
    formatter_of(settings)->format(spdlog::details::log_msg("", spdlog::level::warn, body), line);
    return std::string(line.data(), line.size());
  };
}

} // namespace

struct Log::Impl {
  Impl(const LogSettings& settings, int fd) : descriptor(fd) { use(settings); }

  void use(const LogSettings& settings);
  LogWriter& writer_for(bool syslog_wanted);
  void log(LogLevel at, std::string_view name, std::string_view message, std::span<const LogField> fields);

  const int descriptor;
  /// Shared with the writers' threads, which may outlive this object.
  const std::shared_ptr<std::atomic<bool>> json = std::make_shared<std::atomic<bool>>(false);
  std::atomic<bool> syslog = false;
  std::atomic<LogLevel> level = LogLevel::info;
  std::atomic<LogWriter*> writer = nullptr; ///< one of the two below

  std::mutex mutex; ///< of what follows
  /// Made when first wanted, and then kept: a line is never torn by a second writer to the same place.
  std::optional<LogWriter> to_stderr;
  std::optional<LogWriter> to_syslog;
  std::shared_ptr<spdlog::logger> logger;
  OncePerMinute limited;
};

LogWriter& Log::Impl::writer_for(bool syslog_wanted) {
  std::optional<LogWriter>& writer_slot = syslog_wanted ? to_syslog : to_stderr;
  if (!writer_slot) {
    auto target = syslog_wanted ? std::make_shared<SyslogTarget>() : make_descriptor_target(descriptor);
    writer_slot.emplace(std::move(target), notice_of(json, syslog_wanted));
  }
  return *writer_slot;
}

void Log::Impl::use(const LogSettings& settings) {
  const std::scoped_lock lock(mutex);
  LogWriter& chosen = writer_for(settings.syslog);
  logger = std::make_shared<spdlog::logger>("danegated", std::make_shared<WriterSink>(chosen, settings));
  logger->set_level(to_spdlog(settings.level));
  writer = &chosen;
  *json = settings.json;
  syslog = settings.syslog;
  level = settings.level;
}

void Log::Impl::log(LogLevel at, std::string_view name, std::string_view message, std::span<const LogField> fields) {
  if (at < level) return;
  std::unique_lock lock(mutex);
  const auto logger_now = logger;
  const bool as_json = *json;
  lock.unlock();
  const std::string body = encode_body(as_json, name, message, fields);
  logger_now->log(to_spdlog(at), spdlog::string_view_t(body.data(), body.size()));
}

Log::Log(const LogSettings& settings, int descriptor) : impl_(std::make_unique<Impl>(settings, descriptor)) {}

Log::~Log() = default;

void Log::event(LogLevel level, std::string_view name, std::string_view message,
                std::initializer_list<LogField> fields) {
  impl_->log(level, name, message, fields);
}

void Log::event_limited(std::string_view key, LogLevel level, std::string_view name, std::string_view message,
                        std::initializer_list<LogField> fields) {
  if (!enabled(level)) return;
  std::unique_lock lock(impl_->mutex);
  const auto suppressed = impl_->limited.admit(key, std::chrono::steady_clock::now());
  lock.unlock();
  if (!suppressed) return;
  std::vector<LogField> all(fields);
  const std::string count = std::to_string(*suppressed);
  if (*suppressed > 0) all.push_back({"suppressed", count});
  impl_->log(level, name, message, all);
}

void Log::line(LogLevel level, std::string_view encoded) {
  if (!enabled(level)) return;
  LogWriter& writer = *impl_->writer.load(std::memory_order_acquire);
  if (impl_->syslog.load(std::memory_order_relaxed))
    writer.push(level, without_time(encoded, json()));
  else
    writer.push(level, encoded);
}

bool Log::enabled(LogLevel level) const noexcept {
  return level >= impl_->level.load(std::memory_order_relaxed);
}

void Log::reconfigure(const LogSettings& settings) {
  impl_->use(settings);
}

bool Log::json() const noexcept {
  return impl_->json->load(std::memory_order_relaxed);
}

std::uint64_t Log::dropped() const {
  const std::scoped_lock lock(impl_->mutex);
  std::uint64_t count = 0;
  for (const auto* const writer : {&impl_->to_stderr, &impl_->to_syslog})
    if (*writer) count += (*writer)->dropped();
  return count;
}

void Log::flush() {
  impl_->writer.load(std::memory_order_acquire)->flush();
}

} // namespace danegate::service
