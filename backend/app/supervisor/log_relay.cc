#include "app/supervisor/log_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

#include "app/logger.h"
#include "app/supervisor/account.h"
#include "app/supervisor/handshakes.h"
#include "base/content.h"
#include "base/unique_fd.h"

namespace berth::app {
namespace {

constexpr int pipe_bytes = 1 << 20;               // what nginx may write while our stdout is not read
constexpr std::size_t max_line_bytes = 64 * 1024; // of an error
constexpr int first_own_fd = 3, lowest_pipe_fd = 100;

struct Pipe {
  UniqueFd read, write;
};

// Its ends are above all that they are to become, so that none overwrites another.
Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(errno_error("pipe2", "nginx's log", errno));
  const UniqueFd read(ends[0]), write(ends[1]);
  ::fcntl(write.get(), F_SETPIPE_SZ, pipe_bytes); // a smaller one works too
  Pipe pipe{UniqueFd(::fcntl(read.get(), F_DUPFD_CLOEXEC, lowest_pipe_fd)),
            UniqueFd(::fcntl(write.get(), F_DUPFD_CLOEXEC, lowest_pipe_fd))};
  if (!pipe.read || !pipe.write) return std::unexpected(errno_error("fcntl", "nginx's log", errno));
  return pipe;
}

void log_handshake(const FailedHandshake& failed, Handshakes& handshakes, Logger& logger) {
  const auto now = Handshakes::Steady::now();
  if (const std::size_t more = handshakes.take_untold(now); more > 0)
    logger.info("more TLS connections failed in the minutes before", {{"count", std::to_string(more)}});
  if (handshakes.is_told(failed, now))
    logger.info("a TLS connection failed: " + failed.reason, {{"client", failed.client}, {"from", "nginx"}});
}

// Logs the whole lines of text, and leaves the rest in it.
void log_lines(std::string& text, Handshakes& handshakes, Logger& logger) {
  for (std::size_t end; (end = text.find('\n')) != std::string::npos || text.size() > max_line_bytes;) {
    const NginxLine line = read_nginx_line(std::string_view(text).substr(0, end));
    if (const auto failed = read_handshake(line.message))
      log_handshake(*failed, handshakes, logger);
    else if (!line.message.empty() && !line.is_chatter)
      logger.write(line.level, line.message, {{"from", "nginx"}});
    text.erase(0, end == std::string::npos ? end : end + 1);
  }
}

// What is read: access lines, errors, and the lines of pulls to be counted.
constexpr std::size_t source_count = 3;
using Sources = std::array<Pipe, source_count>;

void relay(Logger& logger, api::debug::Answers& pulls) {
  const auto buffer = std::make_unique_for_overwrite<std::array<char, 64 * 1024>>();
  std::string pending, pending_pulls;
  Handshakes handshakes;
  std::array<pollfd, source_count> sources{};
  for (std::size_t i = 0; i < source_count; ++i) sources[i] = {first_own_fd + static_cast<int>(i), POLLIN, 0};
  while (std::ranges::any_of(sources, [](const pollfd& source) { return source.fd >= 0; })) {
    if (::poll(sources.data(), sources.size(), -1) < 0 && errno != EINTR) return;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (sources[i].fd < 0 || sources[i].revents == 0) continue;
      const ssize_t count = ::read(sources[i].fd, buffer->data(), buffer->size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        sources[i].fd = -1; // poll passes over it
        continue;
      }
      const std::string_view bytes(buffer->data(), static_cast<std::size_t>(count));
      if (i == 0)
        (void)write_all(STDOUT_FILENO, bytes, "standard output"); // nobody reads any more
      else if (i == 1)
        log_lines(pending.append(bytes), handshakes, logger);
      else
        count_pulls(pending_pulls.append(bytes), pulls);
    }
  }
}

// The relay's process: ends when nginx and its workers have closed their logs, and no sooner.
[[noreturn]] void run_relay(const Sources& sources, const config::Log& log, const std::string& instance,
                            api::debug::Answers& pulls) {
  ::setpgid(0, 0); // whoever ends nginx's group wants to read its last words
  ::prctl(PR_SET_NAME, "berth-log");
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  // Locks and sockets of the supervisor must not live on here.
  for (std::size_t i = 0; i < source_count; ++i) ::dup2(sources[i].read.get(), first_own_fd + static_cast<int>(i));
  ::close_range(first_own_fd + source_count, ~0U, 0);
  if (!drop_rights()) ::_exit(1);
  const auto logger = make_logger(log, instance);
  relay(*logger, pulls);
  ::_exit(0);
}

} // namespace

NginxLine read_nginx_line(std::string_view line) {
  NginxLine read;
  const std::size_t open = line.find('['), close = line.find(']');
  constexpr std::size_t after_date = 20, after_nginx = 7;
  if ((open == after_date || open == after_nginx || open == 0) && close != std::string_view::npos && open < close) {
    const std::string_view level = line.substr(open + 1, close - open - 1);
    if (level == "warn") read.level = LogLevel::warn;
    if (level == "notice" || level == "info") read.level = LogLevel::info;
    if (level == "debug") read.level = LogLevel::debug;
    read.is_chatter = level == "info";
    line.remove_prefix(std::min(close + 2, line.size()));
  }
  read.message = line;
  // As nginx/snippets/http/logging.conf has it for access lines.
  for (const std::string_view secret : {"_state=", "token=", "password=", "passwd=", "secret=", "signature="})
    for (std::size_t at = 0; (at = read.message.find(secret, at)) != std::string::npos;) {
      at += secret.size();
      const std::size_t end = std::min(read.message.find_first_of(" &\"", at), read.message.size());
      read.message.replace(at, end - at, "(hidden)");
    }
  return read;
}

Result<> relay_output(const config::Log& log, const std::string& instance, api::debug::Answers& pulls) {
  Sources sources;
  for (Pipe& source : sources) {
    BERTH_TRY(source, make_pipe());
  }
  const pid_t child = ::fork();
  if (child < 0) return std::unexpected(errno_error("fork", "nginx's log", errno));
  if (child == 0) {
    // Twice, so that nginx has no child that it does not know.
    if (::fork() == 0) run_relay(sources, log, instance, pulls);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  constexpr std::array<int, source_count> into{STDOUT_FILENO, STDERR_FILENO, pull_log_fd};
  for (std::size_t i = 0; i < source_count; ++i)
    if (::dup2(sources[i].write.get(), into[i]) < 0) return std::unexpected(errno_error("dup2", "nginx's log", errno));
  return {};
}

} // namespace berth::app
