#include "daemon/service/roster_store.h"

#include "daemon/service/safe_file.h"
#include "daemon/service/signal_block.h"

#include <boost/asio/post.hpp>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace danegate::service {

namespace {

using config::LogLevel;

constexpr std::size_t slice = 1000;                       ///< names that are looked at in one go on the loop
constexpr std::chrono::milliseconds slice_pause{20};      ///< between two slices
constexpr std::size_t max_queued = std::size_t{8} << 20U; ///< octets that wait for a slow disk

} // namespace

/// One write: the loop's side encodes, the thread's side takes.
struct RosterStore::Writing {
  Writing(core::ByteView key, std::shared_ptr<core::Roster> known)
      : encoder(key), roster(std::move(known)), plan(roster->plan()), revision(roster->revision()) {}

  // The loop's.
  core::RosterStateEncoder encoder;
  std::shared_ptr<core::Roster> roster;
  std::shared_ptr<const core::RosterPlan> plan;
  std::uint64_t revision;
  core::RosterPlan::Number next = 0;

  // Both sides'.
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<core::Bytes> queue;
  std::size_t queued = 0;
  bool complete = false;  ///< nothing more comes
  bool abandoned = false; ///< nothing more comes, and what came is void
  bool broken = false;    ///< the thread has given up

  void push(core::Bytes octets) {
    if (octets.empty()) return;
    const std::scoped_lock lock(mutex);
    queued += octets.size();
    queue.push_back(std::move(octets));
    changed.notify_one();
  }

  void end(bool void_all) {
    const std::scoped_lock lock(mutex);
    (void_all ? abandoned : complete) = true;
    changed.notify_one();
  }

  /// Empty: there is no more.
  core::Bytes pop() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return !queue.empty() || complete || abandoned; });
    if (abandoned || queue.empty()) return {};
    auto octets = std::move(queue.front());
    queue.pop_front();
    queued -= octets.size();
    return octets;
  }

  std::expected<void, std::string> write_to(const std::string& file) {
    auto safe = SafeFile::begin(file);
    if (!safe) return std::unexpected(safe.error());
    for (auto octets = pop(); !octets.empty(); octets = pop())
      if (auto written = safe->write(octets); !written) return written;
    {
      const std::scoped_lock lock(mutex);
      if (abandoned) return {};
    }
    return safe->commit();
  }

  bool wants_more() {
    const std::scoped_lock lock(mutex);
    return queued < max_queued || broken;
  }

  bool has_failed() {
    const std::scoped_lock lock(mutex);
    return broken;
  }
};

RosterStore::RosterStore(boost::asio::io_context& loop, Log& log, std::shared_ptr<RosterKeeper> keeper,
                         core::HashFunction hash, Clock clock)
    : loop_(loop), log_(log), keeper_(std::move(keeper)), hash_(hash), clock_(std::move(clock)), timer_(loop),
      slice_timer_(loop) {}

RosterStore::~RosterStore() {
  if (writing_) writing_->end(true);
  if (writer_.joinable()) writer_.join();
}

void RosterStore::take_config(const config::Config& config) {
  if (folder_ != config.server.state) complained_ = false;
  folder_ = config.server.state;
  key_ = core::resolver_key(config.dns, hash_);
}

void RosterStore::load(const config::Config& config) {
  take_config(config);
  saved_revision_ = keeper_->roster()->revision();
  schedule();
  if (!has_names()) return;
  ::unlink(SafeFile::temporary_name(file()).c_str()); // of a daemon that was killed
  const auto octets = read_octets(file(), max_octets);
  if (!octets) return put_aside(octets.error());
  if (!*octets) {
    if (::access(folder_.c_str(), W_OK | X_OK) != 0) complain(std::generic_category().message(errno));
    return;
  }
  auto& roster = *keeper_->roster();
  const auto now = clock_();
  const auto before = roster.counts().unresolved;
  const auto read =
      core::decode_roster_state(**octets, key_, now, [&](const core::DnsName& owner, const core::RosterRecord& record) {
        if (const auto number = roster.plan()->find(owner)) roster.restore(*number, record, now);
      });
  if (!read && !core::is_outdated(read.error())) return put_aside(core::describe(read.error()));
  if (read == std::unexpected(core::StateError::clock_set_back)) ::unlink(file().c_str()); // its time will seem to come
  const auto kept = before - roster.counts().unresolved;
  log_.event(LogLevel::info, "roster-state", read ? "answers of before the restart" : core::describe(read.error()),
             {{"file", file()}, {"kept", std::to_string(kept)}, {"read", std::to_string(read.value_or(0))}});
  if (read && kept == *read) saved_revision_ = roster.revision(); // the file is as good as new
}

void RosterStore::put_aside(std::string_view why) {
  const auto aside = file() + ".bad";
  const bool moved = std::rename(file().c_str(), aside.c_str()) == 0;
  log_.event(LogLevel::warning, "roster-state", "the state file is of no use; the roster begins anew",
             {{"file", file()}, {"error", why}, {"aside", moved ? std::string_view(aside) : std::string_view()}});
}

void RosterStore::complain(std::string_view error) {
  if (std::exchange(complained_, true)) return;
  log_.event(LogLevel::warning, "roster-state", "answers of the roster will not survive a restart",
             {{"folder", folder_}, {"error", error}});
}

void RosterStore::reconfigure(const config::Config& config, bool dropped) {
  const auto before = folder_.empty() ? std::string() : file();
  take_config(config);
  if (!dropped || before.empty()) return;
  if (writing_) {
    writing_->end(true);
    remove_after_ = before; // the thread may be renaming it just now
  } else {
    remove(before);
  }
}

/// What is dropped does not come back with the next start. The disk may be slow.
void RosterStore::remove(const std::string& file) {
  try {
    const SignalBlock blocked;
    std::thread([file] { ::unlink(file.c_str()); }).detach();
  } catch (const std::system_error&) {
    ::unlink(file.c_str());
  }
}

void RosterStore::schedule() {
  timer_.expires_after(save_interval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    schedule();
    save();
  });
}

void RosterStore::save() {
  if (writing_ || !has_names() || keeper_->roster()->revision() == saved_revision_) return;
  if (writer_.joinable()) writer_.join(); // it has said that it was done
  writing_ = std::make_shared<Writing>(key_, keeper_->roster());
  try {
    const SignalBlock blocked;
    writer_ = std::thread([this, writing = writing_, name = file()] {
      auto result = writing->write_to(name);
      {
        const std::scoped_lock lock(writing->mutex);
        writing->broken = !result;
      }
      boost::asio::post(loop_, [this, writing, result = std::move(result)] {
        if (writing_ == writing) written(result, writing->revision);
      });
    });
  } catch (const std::system_error& error) {
    writing_.reset();
    return complain(error.what());
  }
  encode_slice();
}

/// False when there is nothing more to encode.
bool RosterStore::encode_some(Writing& writing, std::size_t most) {
  const auto now = clock_();
  for (; most > 0 && writing.next < writing.plan->numbers(); --most, ++writing.next)
    if (const auto record = writing.roster->record_of(writing.next, now))
      writing.encoder.add(writing.plan->name_of(writing.next).owner, *record);
  return writing.next < writing.plan->numbers();
}

void RosterStore::encode_slice() {
  const auto writing = writing_;
  if (!writing || writing->has_failed()) return;
  if (writing->roster != keeper_->roster() || writing->plan != writing->roster->plan()) {
    writing->end(true); // numbers mean other names now; the next one will do
    return;
  }
  if (writing->wants_more()) {
    const bool more = encode_some(*writing, slice);
    if (!more) writing->encoder.end(clock_());
    writing->push(writing->encoder.take());
    if (!more) return writing->end(false);
  }
  slice_timer_.expires_after(slice_pause);
  slice_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) encode_slice();
  });
}

void RosterStore::written(const std::expected<void, std::string>& result, std::uint64_t revision) {
  const bool abandoned = writing_->abandoned; // the thread is done: nobody else touches it
  writing_.reset();
  if (!remove_after_.empty()) remove(std::exchange(remove_after_, {}));
  if (abandoned) return;
  if (!result) return complain(result.error());
  saved_revision_ = revision;
  complained_ = false;
}

void RosterStore::save_and_stop() {
  timer_.cancel();
  slice_timer_.cancel();
  if (writing_) writing_->end(true);
  if (writer_.joinable()) writer_.join();
  writing_.reset();
  if (!remove_after_.empty()) ::unlink(remove_after_.c_str());
  if (!has_names() || keeper_->roster()->revision() == saved_revision_) return;
  Writing last(key_, keeper_->roster());
  auto safe = SafeFile::begin(file());
  if (!safe) return complain(safe.error());
  for (bool more = true; more;) {
    more = encode_some(last, slice);
    if (!more) last.encoder.end(clock_());
    if (const auto done = safe->write(last.encoder.take()); !done) return complain(done.error());
  }
  if (const auto done = safe->commit(); !done) complain(done.error());
}

} // namespace danegate::service
