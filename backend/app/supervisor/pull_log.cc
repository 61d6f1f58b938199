#include "app/supervisor/pull_log.h"

#include <sys/mman.h>

#include <cerrno>
#include <charconv>
#include <new>
#include <optional>
#include <string_view>

#include "base/content.h"

namespace berth::app {
namespace {

using api::debug::Answers;

constexpr std::size_t max_line_bytes = 1024; // of what is no line of ours

// Takes a word from the beginning of a line, and the blank behind it.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

template <class Number>
bool read_number(std::string_view word, Number& number) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size();
}

std::optional<Answers::Answer> read_line(std::string_view line) {
  Answers::Answer answer;
  double seconds = 0;
  answer.method = take_word(line);
  if (answer.method.empty() || !read_number(take_word(line), answer.status)) return std::nullopt;
  if (!read_number(take_word(line), answer.response_bytes) || !read_number(line, seconds)) return std::nullopt;
  answer.time = api::debug::Seconds(seconds);
  return answer;
}

} // namespace

void UnmapAnswers::operator()(Answers* answers) const { ::munmap(answers, sizeof(Answers)); }

Result<SharedAnswers> share_answers() {
  void* const memory = ::mmap(nullptr, sizeof(Answers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return std::unexpected(errno_error("mmap", "counts of pulls", errno));
  return SharedAnswers(new (memory) Answers);
}

void count_pulls(std::string& text, Answers& answers) {
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    if (const auto answer = read_line(std::string_view(text).substr(begin, end - begin))) answers.add(*answer);
  text.erase(0, begin);
  if (text.size() > max_line_bytes) text.clear();
}

} // namespace berth::app
