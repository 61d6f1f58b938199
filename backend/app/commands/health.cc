#include "app/commands/health.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/environment.h"
#include "app/nginx/tree.h"
#include "app/supervisor/listen_socket.h"
#include "base/content.h"
#include "config/config.h"

namespace berth::app {
namespace {

constexpr timeval patience{4, 0}; // for each read
constexpr std::size_t max_answer_bytes = 64 * 1024;
constexpr std::string_view question = "GET /debug/health HTTP/1.0\r\nHost: localhost\r\n\r\n";

Result<std::string> run_directory_of(const std::string& config_path) {
  const char* named = std::getenv("REGISTRY_BERTH_RUNDIRECTORY");
  if (named != nullptr && *named != '\0') return named;
  if (config_path.empty())
    return fail(Code::invalid, "CONFIG is required: it says which registry is meant (or REGISTRY_BERTH_RUNDIRECTORY)");
  BERTH_TRY(config::Loaded loaded, config::load(config_path, environment_of_process()));
  return std::move(loaded.config.berth.run_directory);
}

Result<std::string> answer_by(const std::string& socket_path) {
  BERTH_TRY(const UniqueFd socket, connect_to(socket_path));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  BERTH_CHECK(write_all(socket.get(), question, socket_path));
  std::string answer;
  std::array<char, 4096> buffer;
  while (answer.size() < max_answer_bytes) {
    const ssize_t count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(errno_error("read", socket_path, errno));
    if (count == 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return answer;
}

// "HTTP/1.1 200 OK"
bool is_good(std::string_view answer) { return answer.starts_with("HTTP/1.") && answer.substr(8, 5) == " 200 "; }

// What the answer says beside its head, on one line.
std::string_view body_of(std::string_view answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == std::string_view::npos) return "it gave no answer";
  const std::string_view body = answer.substr(end + 4);
  return body.substr(0, body.find('\n'));
}

int not_well(std::string why) { return complain(fail(Code::io, std::move(why)).error()); }

} // namespace

int health(const std::string& config_path) {
  const auto run_directory = run_directory_of(config_path);
  if (!run_directory) return complain(run_directory.error());
  const auto answer = answer_by(*run_directory + "/" + health_socket);
  if (!answer) return not_well("no registry answers that runs with " + *run_directory + ": " + answer.error().message);
  if (is_good(*answer)) return std::puts("well"), exit_ok;
  return not_well("the registry is not well: " + std::string(body_of(*answer)));
}

} // namespace berth::app
