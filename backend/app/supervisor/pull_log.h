// The pulls that nginx makes by itself, on their way from its log to the pool's metrics (docs/decisions/0040). nginx
// writes a short line for each into a pipe, the relay (log_relay.h) counts the lines in memory that the supervisor
// shares with its children, and the pool that is asked for its metrics takes the counts.
#pragma once

#include <memory>
#include <string>

#include "api/debug/answers.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::app {

// The descriptor by which nginx knows the pipe, and how its configuration names it.
inline constexpr int pull_log_fd = 6;
inline constexpr const char* pull_log_path = "/proc/self/fd/6";

struct UnmapAnswers {
  int file = -1; // of the memory: a program that takes this one's place maps it again (succession.h)
  void operator()(api::debug::Answers* answers) const;
};
using SharedAnswers = std::unique_ptr<api::debug::Answers, UnmapAnswers>;

// Counts in memory that this process shares with those that it forks from now on. Errors: io.
Result<SharedAnswers> share_answers();
// The same, of memory that share_answers of another program has made. Errors: io; invalid if that counts otherwise.
Result<SharedAnswers> share_answers_of(UniqueFd file);

// Counts the whole lines of text, "GET 200 1024 0.001" (log_format berth_pull), and leaves the rest in it. A line of
// another form is not counted.
void count_pulls(std::string& text, api::debug::Answers& answers);

} // namespace berth::app
