// `berth garbage-collect`, which is not there yet.
#pragma once

namespace berth::app {

// Says so, and what to do instead. Returns exit_usage.
int garbage_collect();

} // namespace berth::app
