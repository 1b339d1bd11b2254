// Takes encoded lines from any thread and writes them in batches on a thread of its own, so that a log's reader that
// stops reading never stalls the loop.
//
// A thread, and not O_NONBLOCK: stderr is shared with whoever started us, and flags of an open file description are
// theirs as well; and syslog(3) blocks when its reader does. push() costs a lock, a copy and, for the first line after
// a pause, a wake-up. The thread lets `gather` pass, then writes all there is at once, in the order of push().
//
// Bounded: while the target blocks, at most max_pending octets wait; further lines are dropped and counted. The first
// batch that gets through afterwards is followed by a line that says how many were lost.
//
// Life cycle: the destructor writes what is left for at most `patience`, then lets the thread go (it owns all that it
// uses); a target that blocks for ever cannot keep the daemon from ending.
#pragma once

#include "daemon/config/config.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace danegate::service {

struct LogBatch {
  struct Line {
    config::LogLevel level;
    std::size_t length; ///< with the newline
  };

  std::string text; ///< the lines, each with its newline
  std::vector<Line> lines;

  /// Octets of room that an empty batch keeps: lines that had to wait do not make it large for good.
  static constexpr std::size_t kept = 256U << 10U;

  void add(config::LogLevel level, std::string_view line);
  void clear() noexcept;
};

/// Where lines end up. Called on the writer's thread only, and may block.
class LogTarget {
public:
  LogTarget() = default;
  LogTarget(const LogTarget&) = delete;
  LogTarget& operator=(const LogTarget&) = delete;
  virtual ~LogTarget() = default;

  /// False if the target failed: the batch is lost.
  virtual bool write(const LogBatch& batch) noexcept = 0;
};

/// A descriptor, not owned; its flags are left alone.
std::shared_ptr<LogTarget> make_descriptor_target(int descriptor);

class LogWriter {
public:
  static constexpr std::size_t max_pending = 4U << 20U;
  static constexpr std::chrono::milliseconds gather{2};
  static constexpr std::chrono::milliseconds patience{1000};

  /// Makes the line about lost lines, of level warning. Called on the writer's thread.
  using Notice = std::function<std::string(std::size_t lost)>;

  /// The end, and flush(), wait no longer than `longest_wait` for a target that blocks.
  LogWriter(std::shared_ptr<LogTarget> target, Notice notice, std::chrono::milliseconds longest_wait = patience);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  ~LogWriter();

  /// `line` is without its newline.
  void push(config::LogLevel level, std::string_view line);

  /// Lines that were dropped or lost since the start.
  std::uint64_t dropped() const;

  /// Waits, but not longer than that, until what was pushed before is written, lost or dropped. False if time ran out.
  bool flush();

private:
  struct State;

  static void run(const std::shared_ptr<State>& state) noexcept;

  std::shared_ptr<State> state_;
  std::chrono::milliseconds longest_wait_;
  std::thread thread_;
};

} // namespace danegate::service
