#include "app/commands/low_priority.h"

#include <linux/ioprio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace berth::app {

void take_low_priority() {
  constexpr int least = 19;
  ::setpriority(PRIO_PROCESS, 0, least);
  ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)); // glibc has no function
}

void be_modest_child() {
  take_low_priority();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
}

} // namespace berth::app
