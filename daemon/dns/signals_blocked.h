// Threads inherit the signal mask of the thread that starts them: while one of these lives, they are born with every
// signal blocked, so that SIGHUP and SIGTERM interrupt nobody's system call but the loop's.
#pragma once

#include <csignal>

namespace danegate::dns {

class SignalsBlocked {
public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }

  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_{};
};

} // namespace danegate::dns
