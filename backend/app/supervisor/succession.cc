#include "app/supervisor/succession.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/content.h"

namespace berth::app {
namespace {

constexpr const char* variable = "BERTH_SUCCESSION";
constexpr int form = 1; // of what is told; another number where a program would misread it

std::vector<int> descriptors_of(const Succession& told) {
  std::vector<int> descriptors = {told.run_lock, told.spool_lock, told.pool_socket, told.pulls};
  descriptors.insert(descriptors.end(), told.nginx_process.files.begin(), told.nginx_process.files.end());
  descriptors.insert(descriptors.end(), told.nginx_process.sockets.begin(), told.nginx_process.sockets.end());
  return descriptors;
}

void inherit(const std::vector<int>& descriptors, int close_on_exec) {
  for (const int fd : descriptors) ::fcntl(fd, F_SETFD, close_on_exec);
}

// Programs that did not tell it are succeeded all the same.
std::string instance_in(const nlohmann::json& told) {
  const auto found = told.is_object() ? told.find("instance") : told.end();
  return found != told.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

Result<> succeed(const std::string& program, const std::string& config_file, const Succession& told) {
  const nlohmann::json text = {{"form", form},
                               {"process", ::getpid()},
                               {"nginx", told.nginx},
                               {"pool", told.pool},
                               {"retiring_pools", told.retiring_pools},
                               {"pull_gate", told.pull_gate},
                               {"instance", told.instance},
                               {"run_lock", told.run_lock},
                               {"spool_lock", told.spool_lock},
                               {"pool_socket", told.pool_socket},
                               {"pulls", told.pulls},
                               {"generation", told.nginx_process.generation},
                               {"files", told.nginx_process.files},
                               {"sockets", told.nginx_process.sockets}};
  ::setenv(variable, text.dump().c_str(), 1);
  inherit(descriptors_of(told), 0);
  ::execl(program.c_str(), program.c_str(), "up", config_file.c_str(), nullptr);
  const int error_number = errno;
  inherit(descriptors_of(told), FD_CLOEXEC);
  ::unsetenv(variable);
  return std::unexpected(errno_error("execute", program, error_number));
}

std::string instance_before() {
  const char* value = std::getenv(variable);
  return value == nullptr ? std::string() : instance_in(nlohmann::json::parse(value, nullptr, false));
}

Result<std::optional<Succession>> take_succession() {
  const char* value = std::getenv(variable);
  if (value == nullptr) return std::optional<Succession>();
  const auto text = nlohmann::json::parse(value, nullptr, false);
  ::unsetenv(variable);
  const auto wrong = fail(Code::io, "cannot take the place of a running berth of another version: start it again");
  try {
    if (text.at("form") != form || text.at("process") != ::getpid()) return wrong;
    Succession told{text.at("nginx"),          text.at("pool"),
                    text.at("retiring_pools"), text.at("pull_gate"),
                    instance_in(text),         text.at("run_lock"),
                    text.at("spool_lock"),     text.at("pool_socket"),
                    text.at("pulls"),          {text.at("generation"), text.at("files"), text.at("sockets")}};
    if (told.nginx_process.files.size() != NginxProcess::kept_files) return wrong;
    inherit(descriptors_of(told), FD_CLOEXEC);
    return std::optional(std::move(told));
  } catch (const nlohmann::json::exception&) {
    return wrong;
  }
}

} // namespace berth::app
