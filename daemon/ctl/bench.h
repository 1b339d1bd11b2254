// The daemon's Authenticator and resolver on a loop of their own, for one verdict after the other.
//
// Answers are cached from one verdict to the next, as in the daemon. One thread.
#pragma once

#include "daemon/service/authenticator.h"

#include <boost/asio/io_context.hpp>

namespace danegate::ctl {

class Bench {
public:
  /// Throws std::runtime_error if libunbound does not take the settings.
  explicit Bench(config::ConfigPtr config);

  /// Waits for the verdict: at most limits.deadline.
  core::Decision judge(core::Question question);

private:
  config::ConfigPtr config_;
  boost::asio::io_context loop_;
  service::Authenticator authenticator_; ///< before the loop goes, so does the resolver that it owns
};

} // namespace danegate::ctl
