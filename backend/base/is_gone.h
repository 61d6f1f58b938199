// IsGone: returns true if the client has left, so that the work for it may stop. It may be called often, from the
// thread that works for the client. Null if that cannot be known.
#pragma once

#include <functional>

namespace berth {

using IsGone = std::function<bool()>;

} // namespace berth
