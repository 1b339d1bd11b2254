// Verdicts for threads that are not the loop's: what is known is judged on the caller's thread, every other question is
// posted to the loop and waited for.
//
// libmilter's workers block in their callbacks, so they come in here. A verdict arrives within limits.deadline, as for
// everybody; where the loop is too busy to give it by then and `patience`, or ends meanwhile, there is an exception,
// and the caller's barrier makes a temporary failure of it. Each caller is a thread that waits: past
// limits.milter-verdicts of them the verdict is overload, at once.
//
// Life cycle: lives as long as the loop and the threads. close() is called before the loop stops for good: who waits
// then, and who comes later, gets the exception at once.
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/auth_flow.h"
#include "daemon/service/bounds.h"
#include "daemon/service/soon.h"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <variant>

namespace danegate::service {

/// Authenticator::judge_outside, on any thread.
using JudgeOutside =
    std::function<std::variant<core::Decision, core::Question>(core::Question&&, const config::ConfigPtr&)>;

/// Authenticator::begin.
using JudgeOnLoop = std::function<Soon<core::Decision>(core::Question&&, config::ConfigPtr)>;

class JudgeGateway {
public:
  static constexpr std::chrono::seconds patience{2};

  /// `known` may be empty: the loop gives every verdict then. `bound_met`: told on the caller's thread; may be empty.
  JudgeGateway(boost::asio::io_context& loop, JudgeOutside known, JudgeOnLoop judge,
               std::function<void(Bound)> bound_met = {});

  /// Not on the loop's thread. Throws std::runtime_error where there is no verdict.
  core::Decision judge(core::Question question, const config::ConfigPtr& config);

  void close();

private:
  struct State;
  struct Wait;

  core::Decision ask_loop(core::Question&& question, const config::ConfigPtr& config);
  void ask(const std::shared_ptr<Wait>& wait, core::Question&& question, config::ConfigPtr config);

  boost::asio::io_context& loop_;
  JudgeOutside known_;
  JudgeOnLoop judge_;
  std::function<void(Bound)> bound_met_;
  std::shared_ptr<State> state_;
};

} // namespace danegate::service
