// IsGone: whether whoever asked for something has left, so that there is no use in going on with it. It may be called
// often, from the thread that works for the caller. Null: nobody can tell.
#pragma once

#include <functional>

namespace berth {

using IsGone = std::function<bool()>;

} // namespace berth
