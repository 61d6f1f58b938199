#include "app/commands/human.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace berth::app {

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // What would be rounded to 1000 is 1.0 of the next.
  for (; value >= 999.5 && unit + 1 < units.size(); ++unit) value /= 1000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit > 0 && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text.data();
}

std::string human_time(std::chrono::seconds time) {
  using namespace std::chrono;
  const auto count = std::max(time, 0s);
  const auto text = [](auto number, const char* unit) { return std::to_string(number.count()) + unit; };
  if (count >= days(2)) return text(floor<days>(count), " days");
  if (count >= 2h) return text(floor<hours>(count), " h");
  if (count >= 2min) return text(floor<minutes>(count), " min");
  return text(count, " s");
}

std::string clock_time(std::chrono::seconds time) {
  const long seconds = std::max<long>(0, time.count());
  std::array<char, 40> text{};
  if (seconds >= 3600)
    std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", seconds / 3600, seconds / 60 % 60, seconds % 60);
  else
    std::snprintf(text.data(), text.size(), "%ld:%02ld", seconds / 60, seconds % 60);
  return text.data();
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

} // namespace berth::app
