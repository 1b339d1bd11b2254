// The roster's answers over a restart: the file `roster` in the folder `server.state`.
//
// Read once, before the daemon serves: what is still valid is taken, by the same limits as an answer from DNS. A file
// that is damaged, foreign or of a newer version is put aside as `roster.bad`, with one warning, and costs nothing
// else.
//
// Written every save_interval if something has changed, and at the end. The loop encodes a slice at a time and hands
// the octets to a thread, which writes, flushes and renames (safe_file.h); a daemon that dies meanwhile leaves the file
// of before. A folder that is missing or read-only is one warning, and the answers live until the daemon ends. Without
// identities that rules name in full there is nothing to keep, and the folder is not looked at.
//
// Loop's thread only.
#pragma once

#include "daemon/core/roster_state.h"
#include "daemon/service/log.h"
#include "daemon/service/roster_keeper.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <thread>

namespace danegate::service {

class RosterStore {
public:
  static constexpr std::chrono::minutes save_interval{5};
  static constexpr std::size_t max_octets = std::size_t{2} << 30U; ///< of a file that is read

  RosterStore(boost::asio::io_context& loop, Log& log, std::shared_ptr<RosterKeeper> keeper, core::HashFunction hash,
              Clock clock = wall_clock);
  RosterStore(const RosterStore&) = delete;
  RosterStore& operator=(const RosterStore&) = delete;
  /// Waits for a write that is under way.
  ~RosterStore();

  /// After the keeper's first serve(), before verdicts are asked for.
  void load(const config::Config& config);

  /// After each further serve(). `dropped`: every stored answer was, and what the file holds has to go as well.
  void reconfigure(const config::Config& config, bool dropped);

  /// Begins a write, if something has changed and none is under way.
  void save();

  /// The last one: writes at once, on this thread, if something has changed.
  void save_and_stop();

private:
  struct Writing;

  std::string file() const { return folder_ + "/roster"; }

  bool has_names() const { return !folder_.empty() && keeper_->roster()->plan()->names() > 0; }

  void take_config(const config::Config& config);
  void put_aside(std::string_view why);
  static void remove(const std::string& file);
  void schedule();
  void encode_slice();
  bool encode_some(Writing& writing, std::size_t most);
  void written(const std::expected<void, std::string>& result, std::uint64_t revision);
  void complain(std::string_view error);

  boost::asio::io_context& loop_;
  Log& log_;
  std::shared_ptr<RosterKeeper> keeper_;
  core::HashFunction hash_;
  Clock clock_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer slice_timer_;
  std::string folder_; ///< empty: off
  core::Bytes key_;
  std::shared_ptr<Writing> writing_; ///< null: nothing is under way
  std::thread writer_;
  std::string remove_after_; ///< a file that goes as soon as nothing is being written
  std::uint64_t saved_revision_ = 0;
  bool complained_ = false;
};

} // namespace danegate::service
