// LogContext: what a thread is working on, for every line that it logs meanwhile: the id of the request. Loggers add it
// (app/logger.cc). Contexts of a thread nest; the innermost counts.
// Threads: each has its own.
#pragma once

#include <string_view>

namespace berth {

class LogContext {
public:
  // Borrows: request_id.
  explicit LogContext(std::string_view request_id) : before_(current_) { current_ = request_id; }
  ~LogContext() { current_ = before_; }
  LogContext(const LogContext&) = delete;

  // Empty outside of requests.
  static std::string_view request_id() { return current_; }

private:
  static inline thread_local std::string_view current_;
  std::string_view before_;
};

} // namespace berth
