// The relay of what nginx writes: its access lines to our stdout as they are, its errors to our log, and the lines of
// pulls that it makes by itself into counts (pull_log.h). Of what it says at level info, failed TLS handshakes are
// logged (handshakes.h).
//
// nginx opens its logs by name, and cannot open every stdout: not a socket, as systemd gives one, nor a pipe that
// another user made. And an error line of nginx holds the whole request line, upload state included: that is taken out
// here, and the line gets the form and the fields of all others.
#pragma once

#include <string>
#include <string_view>

#include "app/supervisor/pull_log.h"
#include "base/log.h"
#include "base/result.h"
#include "config/services.h"

namespace berth::app {

// Puts pipes in place of this process's stdout, stderr and pull_log_fd, and starts a process that empties them until
// all are closed. instance: of its lines. pulls: shared. Requires: one thread; nginx is about to be executed;
// pull_log_fd is nothing else's. Errors: io.
Result<> relay_output(const config::Log& log, const std::string& instance, api::debug::Answers& pulls);

// An error line of nginx taken apart: "2024/01/02 03:04:05 [error] 12#12: *3 message" or "nginx: [emerg] message".
struct NginxLine {
  LogLevel level = LogLevel::error;
  std::string message;     // without upload states
  bool is_chatter = false; // level info: that connections end and the like; read for its failed handshakes alone
};
NginxLine read_nginx_line(std::string_view line);

} // namespace berth::app
