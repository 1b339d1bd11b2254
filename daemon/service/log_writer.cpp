#include "daemon/service/log_writer.h"

#include "daemon/service/signal_block.h"

#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace danegate::service {

namespace {

/// More than this is written without waiting for `gather` to pass.
constexpr std::size_t full_batch = 64U << 10U;

class DescriptorTarget final : public LogTarget {
public:
  explicit DescriptorTarget(int descriptor) : descriptor_(descriptor) {}

  bool write(const LogBatch& batch) noexcept override {
    std::string_view rest = batch.text;
    while (!rest.empty()) {
      const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
      if (written >= 0)
        rest.remove_prefix(static_cast<std::size_t>(written));
      else if (errno == EAGAIN) // somebody else made our stderr non-blocking
        wait();
      else if (errno != EINTR)
        return false;
    }
    return true;
  }

private:
  void wait() const noexcept {
    pollfd ready{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    ::poll(&ready, 1, -1);
  }

  int descriptor_;
};

} // namespace

std::shared_ptr<LogTarget> make_descriptor_target(int descriptor) {
  return std::make_shared<DescriptorTarget>(descriptor);
}

void LogBatch::add(config::LogLevel level, std::string_view line) {
  lines.push_back({level, line.size() + 1});
  text += line;
  text += '\n';
}

void LogBatch::clear() noexcept {
  if (text.capacity() > kept) {
    std::string().swap(text);
    std::vector<Line>().swap(lines);
  }
  text.clear();
  lines.clear();
}

struct LogWriter::State {
  std::mutex mutex;
  std::condition_variable wake; ///< of the thread
  std::condition_variable done; ///< of who waits for the thread
  LogBatch pending;
  std::size_t lost = 0;       ///< not yet told
  std::uint64_t dropped = 0;  ///< of lines, since the start
  std::uint64_t pushed = 0;   ///< lines that were ever pending
  std::uint64_t finished = 0; ///< of them, those that are no longer
  bool urgent = false;        ///< somebody waits in flush()
  bool stop = false;
  bool ended = false;
  std::shared_ptr<LogTarget> target;
  Notice notice;
};

LogWriter::LogWriter(std::shared_ptr<LogTarget> target, Notice notice, std::chrono::milliseconds longest_wait)
    : state_(std::make_shared<State>()), longest_wait_(longest_wait) {
  state_->target = std::move(target);
  state_->notice = std::move(notice);
  const SignalBlock blocked;
  thread_ = std::thread([state = state_] { run(state); });
}

LogWriter::~LogWriter() {
  {
    std::unique_lock lock(state_->mutex);
    state_->stop = true;
    state_->wake.notify_one();
    state_->done.wait_for(lock, longest_wait_, [this] { return state_->ended; });
    if (!state_->ended) thread_.detach();
  }
  if (thread_.joinable()) thread_.join();
}

void LogWriter::push(config::LogLevel level, std::string_view line) {
  std::unique_lock lock(state_->mutex);
  LogBatch& pending = state_->pending;
  if (pending.text.size() + line.size() >= max_pending) {
    ++state_->lost;
    ++state_->dropped;
    return;
  }
  const std::size_t before = pending.text.size();
  pending.add(level, line);
  ++state_->pushed;
  // A thread that gathers needs no call until the batch is full: one wake-up a batch, not one a line. It is woken when
  // it can have the lock.
  const bool call = before == 0 || (before < full_batch && pending.text.size() >= full_batch);
  lock.unlock();
  if (call) state_->wake.notify_one();
}

std::uint64_t LogWriter::dropped() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->dropped;
}

bool LogWriter::flush() {
  std::unique_lock lock(state_->mutex);
  const std::uint64_t mark = state_->pushed;
  state_->urgent = true;
  state_->wake.notify_one();
  return state_->done.wait_for(lock, longest_wait_, [&] { return state_->finished >= mark; });
}

void LogWriter::run(const std::shared_ptr<State>& state) noexcept {
  LogBatch batch;
  std::unique_lock lock(state->mutex);
  while (true) {
    state->wake.wait(lock, [&] { return state->stop || !state->pending.lines.empty(); });
    if (state->pending.lines.empty()) break;
    state->wake.wait_for(lock, gather,
                         [&] { return state->stop || state->urgent || state->pending.text.size() >= full_batch; });
    state->urgent = false;
    std::swap(batch, state->pending);
    lock.unlock();
    const std::size_t lines = batch.lines.size();
    const bool written = state->target->write(batch);
    batch.clear();
    lock.lock();
    if (!written) state->lost += lines;
    if (!written) state->dropped += lines;
    if (written && state->lost > 0) {
      const std::size_t lost = std::exchange(state->lost, 0);
      lock.unlock();
      batch.add(config::LogLevel::warning, state->notice(lost));
      const bool told = state->target->write(batch);
      batch.clear();
      lock.lock();
      if (!told) state->lost += lost;
    }
    state->finished += lines;
    state->done.notify_all();
  }
  state->ended = true;
  state->done.notify_all();
}

} // namespace danegate::service
