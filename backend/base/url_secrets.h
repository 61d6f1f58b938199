// The part of a URL that may be shown in logs, in metrics and on the debug server.
#pragma once

#include <string>
#include <string_view>

namespace berth {

// Without who asks and what with: https://user:password@host/path?token becomes https://host/path. Text that is no URL
// stays as it is, but for an @ and what stands before it.
std::string without_secrets(std::string_view url);

} // namespace berth
