// Clock: where the time of day comes from, so that a test can set it.
// Threads: safe.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth {

using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

class Clock {
public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
public:
  Time now() const override { return std::chrono::system_clock::now(); }
};

// RFC 3339 in UTC with whole seconds, as `startedat` files hold it: 2024-01-02T03:04:05Z.
std::string to_rfc3339(Time time);
// The same with as many of nine fractional digits as are not trailing zeros (Go's RFC3339Nano).
std::string to_rfc3339_nano(Time time);
// Reads either form, with `Z` or a numeric offset. Errors: invalid.
Result<Time> parse_rfc3339(std::string_view text);

} // namespace berth
