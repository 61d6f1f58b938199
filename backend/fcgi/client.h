// A question to a pool over its socket, as nginx puts it: for commands that want to know how a pool is. Small ones: no
// body goes out.
// Spec: FastCGI 1.0, the part of a web server.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::fcgi {

// CGI's parameters: names of at most 127 bytes, values of at most max_value_bytes.
using Parameters = std::vector<std::pair<std::string, std::string>>;
inline constexpr std::size_t max_value_bytes = 4096, max_answer_bytes = 16 << 20;

struct Answer {
  int status = 200;
  std::string body;
};

// Asks on a connection to a pool, which is of no use afterwards. The limit is for all of it.
// Errors: io, also if the answer is none, or longer than max_answer_bytes; unavailable if it does not come in time.
Result<Answer> ask(const UniqueFd& connection, const Parameters& parameters, std::chrono::milliseconds limit);

// The bytes of the request, and what the bytes of a whole answer say. Errors: io.
std::string write_question(const Parameters& parameters);
Result<Answer> read_answer(std::string_view bytes);

} // namespace berth::fcgi
