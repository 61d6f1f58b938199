// Work that comes after everybody else's.
#pragma once

namespace berth::app {

// From here on this process takes the CPU and the disk that nobody else wants. A system that refuses is not complained
// of.
void take_low_priority();

} // namespace berth::app
