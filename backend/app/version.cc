#include "app/version.h"

namespace berth::app {

const char* version() { return BERTH_VERSION; }

} // namespace berth::app
