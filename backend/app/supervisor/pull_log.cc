#include "app/supervisor/pull_log.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <new> // NOLINT(misc-include-cleaner): of placement new
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

Result<SharedAnswers> map_answers(UniqueFd file) {
  void* const memory = ::mmap(nullptr, sizeof(Answers), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return std::unexpected(errno_error("mmap", "counts of pulls", errno));
  return SharedAnswers(static_cast<Answers*>(memory), UnmapAnswers{file.release()});
}

} // namespace

void UnmapAnswers::operator()(Answers* answers) const {
  ::munmap(answers, sizeof(Answers));
  ::close(file);
}

Result<SharedAnswers> share_answers() {
  UniqueFd file(::memfd_create("pulls", MFD_CLOEXEC));
  if (!file || ::ftruncate(file.get(), sizeof(Answers)) != 0)
    return std::unexpected(errno_error("memfd_create", "counts of pulls", errno));
  BERTH_TRY(SharedAnswers answers, map_answers(std::move(file)));
  new (answers.get()) Answers;
  return answers;
}

Result<SharedAnswers> share_answers_of(UniqueFd file) {
  struct stat info{};
  if (::fstat(file.get(), &info) != 0 || info.st_size != sizeof(Answers))
    return fail(Code::invalid, "counts of pulls: of another form");
  return map_answers(std::move(file));
}

void count_pulls(std::string& text, Answers& answers) {
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    if (const auto answer = read_line(std::string_view(text).substr(begin, end - begin))) answers.add(*answer);
  text.erase(0, begin);
  if (text.size() > max_line_bytes) text.clear();
}

} // namespace berth::app
