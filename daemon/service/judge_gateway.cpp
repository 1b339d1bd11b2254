#include "daemon/service/judge_gateway.h"

#include "daemon/service/ports.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>

namespace danegate::service {

namespace asio = boost::asio;

namespace {

/// Without the loop, and without a lookup. What needs none is judged as ever.
core::Decision judge_overloaded(core::Question question, const config::ConfigPtr& config) {
  if (!question.problem) question.problem = core::find_problem(question.evidence);
  if (!question.problem)
    question.problem = core::EvidenceProblem{core::Reason::overload, std::string(name_of(Bound::milter_verdicts))};
  core::AuthFlow flow(config->rules, std::move(question), library_ports(), {});
  return flow.take();
}

} // namespace

/// One thread's wait. Shared with the verdict's coroutine, which may end after the thread has given up.
struct JudgeGateway::Wait {
  std::condition_variable changed;
  std::optional<core::Decision> decision;
  std::exception_ptr error;
  bool over = false;
};

struct JudgeGateway::State {
  std::mutex mutex; ///< of every Wait, too
  std::unordered_set<std::shared_ptr<Wait>> waiting;
  std::atomic<bool> closed = false;

  /// The thread is woken when it can have the lock: on one processor it would only go to sleep again.
  void finish(Wait& wait, std::exception_ptr error, core::Decision decision) {
    {
      const std::scoped_lock guard(mutex);
      wait.error = std::move(error);
      wait.decision = std::move(decision);
      wait.over = true;
    }
    wait.changed.notify_one();
  }
};

JudgeGateway::JudgeGateway(asio::io_context& loop, JudgeOutside known, JudgeOnLoop judge,
                           std::function<void(Bound)> bound_met)
    : loop_(loop), known_(std::move(known)), judge_(std::move(judge)), bound_met_(std::move(bound_met)),
      state_(std::make_shared<State>()) {}

core::Decision JudgeGateway::judge(core::Question question, const config::ConfigPtr& config) {
  if (!known_) return ask_loop(std::move(question), config);
  if (state_->closed) throw std::runtime_error("the daemon is ending");
  auto verdict = known_(std::move(question), config);
  if (auto* const decision = std::get_if<core::Decision>(&verdict)) return std::move(*decision);
  return ask_loop(std::get<core::Question>(std::move(verdict)), config);
}

core::Decision JudgeGateway::ask_loop(core::Question&& question, const config::ConfigPtr& config) {
  const auto wait = std::make_shared<Wait>();
  std::unique_lock lock(state_->mutex);
  if (state_->closed) throw std::runtime_error("the daemon is ending");
  if (state_->waiting.size() >= config->limits.milter_verdicts) {
    lock.unlock();
    if (bound_met_) bound_met_(Bound::milter_verdicts);
    return judge_overloaded(std::move(question), config);
  }
  state_->waiting.insert(wait);
  lock.unlock();

  asio::post(loop_, [this, wait, snapshot = config, question = std::move(question)]() mutable {
    ask(wait, std::move(question), std::move(snapshot));
  });

  lock.lock();
  wait->changed.wait_for(lock, config->limits.deadline + patience, [&] { return wait->over || state_->closed; });
  state_->waiting.erase(wait);
  if (!wait->over)
    throw std::runtime_error(state_->closed ? "the daemon is ending" : "the loop gave no verdict in time");
  if (wait->error) std::rethrow_exception(wait->error);
  return std::move(*wait->decision);
}

/// On the loop's thread.
void JudgeGateway::ask(const std::shared_ptr<Wait>& wait, core::Question&& question, config::ConfigPtr config) {
  try {
    auto verdict = judge_(std::move(question), std::move(config));
    if (auto* const known = std::get_if<core::Decision>(&verdict)) {
      state_->finish(*wait, nullptr, std::move(*known));
      return;
    }
    asio::co_spawn(loop_, std::get<asio::awaitable<core::Decision>>(std::move(verdict)),
                   [wait, state = state_](std::exception_ptr error, core::Decision decision) {
                     state->finish(*wait, std::move(error), std::move(decision));
                   });
  } catch (...) {
    state_->finish(*wait, std::current_exception(), {});
  }
}

void JudgeGateway::close() {
  const std::scoped_lock lock(state_->mutex);
  state_->closed = true;
  for (const auto& wait : state_->waiting)
    wait->changed.notify_one();
}

} // namespace danegate::service
