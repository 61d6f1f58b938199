#include "base/clock.h"

#include <charconv>
#include <cstdio>

namespace berth {
namespace {

using namespace std::chrono;

// The decimal number that is exactly text; -1 if it is not one.
int number(std::string_view text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && text.front() != '-' ? value : -1;
}

std::string format_seconds(Time time) {
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<seconds>(time - day)};
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

// `Z`, `+hh:mm` or `-hh:mm`.
Result<minutes> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return minutes{0};
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
    return fail(Code::invalid, "time: bad zone");
  const int hour = number(text.substr(1, 2));
  const int minute = number(text.substr(4, 2));
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return fail(Code::invalid, "time: bad zone");
  const minutes offset{hour * 60 + minute};
  return text[0] == '-' ? -offset : offset;
}

} // namespace

std::string to_rfc3339(Time time) { return format_seconds(time) + "Z"; }

std::string to_rfc3339_nano(Time time) {
  const auto fraction = (time - floor<seconds>(time)).count();
  std::string text = format_seconds(time);
  if (fraction != 0) {
    char digits[16];
    std::snprintf(digits, sizeof digits, ".%09lld", static_cast<long long>(fraction));
    text += digits;
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "Z";
}

Result<Time> parse_rfc3339(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
    return fail(Code::invalid, "time: not RFC 3339");
  const int y = number(text.substr(0, 4)), mo = number(text.substr(5, 2)), d = number(text.substr(8, 2));
  const int h = number(text.substr(11, 2)), mi = number(text.substr(14, 2)), s = number(text.substr(17, 2));
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (y < 0 || mo < 0 || d < 0 || !date.ok() || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 60)
    return fail(Code::invalid, "time: a field is out of range");
  std::size_t at = 19;
  nanoseconds fraction{0};
  if (text[at] == '.') {
    const std::size_t end = text.find_first_not_of("0123456789", at + 1);
    if (end == std::string_view::npos || end == at + 1) return fail(Code::invalid, "time: bad fraction");
    std::string digits(text.substr(at + 1, end - at - 1));
    digits.resize(9, '0');
    fraction = nanoseconds{number(digits)};
    at = end;
  }
  BERTH_TRY(const minutes offset, parse_offset(text.substr(at)));
  return Time{sys_days{date}} + hours{h} + minutes{mi} + seconds{s} + fraction - offset;
}

} // namespace berth
