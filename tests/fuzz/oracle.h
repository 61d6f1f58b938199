// What the fuzz targets are built of: oracles that stop the program where the fuzzer and the replay see it, and inputs
// that a person can write.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string>
#include <string_view>

#include <re2/re2.h>

namespace berth::fuzz {

inline std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// What must hold for every input.
inline void require(bool holds, const std::source_location& where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: this must hold\n", where.file_name(), where.line());
  std::abort();
}

// Takes what stands before the separator off the input, or all of it.
inline std::string_view take_until(char separator, std::string_view& input) {
  const std::size_t end = input.find(separator);
  const std::string_view field = input.substr(0, end);
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  return field;
}
inline std::string_view take_line(std::string_view& input) { return take_until('\n', input); }

// A grammar in its published form, to hold a hand-written parser against. Any byte may come.
class Grammar {
public:
  explicit Grammar(const std::string& pattern) : pattern_(pattern, RE2::Latin1) { require(pattern_.ok()); }
  bool matches(std::string_view text) const { return RE2::FullMatch({text.data(), text.size()}, pattern_); }

private:
  RE2 pattern_;
};

} // namespace berth::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
