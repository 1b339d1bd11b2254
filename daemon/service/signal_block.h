// Threads inherit the signal mask of the thread that starts them: while one of these lives, they are born with every
// signal blocked, so that SIGHUP and SIGTERM reach the main thread's loop and interrupt nobody else's system call.
#pragma once

#include <csignal>

namespace danegate::service {

class SignalBlock {
public:
  SignalBlock() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }

  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

  ~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_{};
};

} // namespace danegate::service
