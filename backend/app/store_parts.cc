#include "app/store_parts.h"

namespace berth::app {

StoreParts::StoreParts(const config::Config& config, const Clock& clock, Random& random, const driver::TellTime& tell)
    : random_(random),
      files_(config.storage.root, ops_, random),
      locks_(config.berth.state_directory, ops_),
      counted_(tell ? std::optional<driver::Measured>(std::in_place, files_, tell) : std::nullopt),
      counted_locks_(tell ? std::optional<driver::MeasuredLocks>(std::in_place, locks_, tell) : std::nullopt),
      uploads_(local(), clock, random) {}

} // namespace berth::app
