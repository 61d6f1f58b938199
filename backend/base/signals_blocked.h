// SignalsBlocked: while it lives, all signals are blocked in this thread, and in those that it starts for good: a
// signal to the process goes to the thread that waits for it, and interrupts no other.
#pragma once

#include <pthread.h>

#include <csignal>

namespace berth {

class SignalsBlocked {
public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;

private:
  sigset_t before_;
};

} // namespace berth
