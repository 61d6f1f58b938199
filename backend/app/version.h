// The version of this berth: "0.1.0".
#pragma once

namespace berth::app {

const char* version();

} // namespace berth::app
