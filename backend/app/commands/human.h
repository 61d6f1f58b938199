// Numbers as a person reads them. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace berth::app {

// "999 B", "1.5 kB", "23 MB": powers of a thousand, two or three digits, as docker writes sizes.
std::string human_bytes(std::uint64_t bytes);
// "45 s", "3 min", "5 h", "12 days": the largest unit that there are two of, rounded down; negative times are 0 s.
std::string human_time(std::chrono::seconds time);
// "0:07", "12:34", "1:02:03": of something that is waited for.
std::string clock_time(std::chrono::seconds time);
// "1,234,567"
std::string grouped(std::uint64_t number);

} // namespace berth::app
