// Work that comes after everybody else's.
#pragma once

namespace berth::app {

// From here on this process takes the CPU and the disk that nobody else wants. A system that refuses is not complained
// of.
void take_low_priority();
// The same for a command that a pool runs: it lives no longer than that.
void be_modest_child();

} // namespace berth::app
