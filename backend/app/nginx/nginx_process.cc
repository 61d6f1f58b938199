#include "app/nginx/nginx_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "app/pool/allocator.h"
#include "app/supervisor/account.h"
#include "app/supervisor/listen_check.h"
#include "app/supervisor/log_relay.h"
#include "app/supervisor/process.h"
#include "app/supervisor/pull_log.h"
#include "base/content.h"

namespace berth::app {
namespace {

namespace fs = std::filesystem;

// The descriptors by which nginx knows what it inherits; ours are above them all.
constexpr int certificate_fd = 3, key_fd = 4, spool_lock_fd = 5, first_socket_fd = 7, lowest_own_fd = 16;
static_assert(first_socket_fd > pull_log_fd && first_socket_fd + HandedSockets::most < lowest_own_fd);

// Where nginx listens when it only tests, below the run directory; it removes the socket itself.
constexpr const char* test_listen = "unix:nginx-test";
constexpr const char* pull_gates = "/pulls"; // a directory for each configuration (app/pool/pull_gate.h)
// While this is there, replies end their connections (nginx/snippets/server/drain.conf).
constexpr const char* drain_file = "/draining";

Result<UniqueFd> memory_file(const char* name) {
  const UniqueFd made(::memfd_create(name, MFD_CLOEXEC));
  UniqueFd file(made ? ::fcntl(made.get(), F_DUPFD_CLOEXEC, lowest_own_fd) : -1);
  if (!file) return std::unexpected(errno_error("memfd_create", name, errno));
  return file;
}

Result<> rewrite(const UniqueFd& file, std::string_view text) {
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return std::unexpected(errno_error("write", "certificate in memory", errno));
  return {};
}

Result<> copy(const UniqueFd& from, const UniqueFd& to) {
  std::string text;
  BERTH_CHECK(read_file(from.get(), 0, [&](std::span<const std::byte> piece) -> Result<> {
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  }));
  return rewrite(to, text);
}

// The lines of a text, one after the other.
std::string on_one_line(std::string_view text) {
  text = text.substr(0, text.find_last_not_of('\n') + 1);
  std::string joined;
  for (const char c : text) c == '\n' ? joined += "; " : joined += c;
  return joined;
}

} // namespace

NginxProcess::NginxProcess(NginxSettings settings, std::string run_directory, std::string instance,
                           HandedSockets sockets)
    : settings_(std::move(settings)),
      run_directory_(std::move(run_directory)),
      instance_(std::move(instance)),
      sockets_(std::move(sockets)),
      tree_(run_directory_ + "/nginx") {
  settings_.listen = sockets_.nginx_addresses();
  settings_.certificate = "/proc/self/fd/" + std::to_string(certificate_fd);
  settings_.key = "/proc/self/fd/" + std::to_string(key_fd);
}

Result<NginxProcess> NginxProcess::make(NginxSettings settings, std::string run_directory, std::string instance,
                                        HandedSockets sockets) {
  NginxProcess nginx(std::move(settings), std::move(run_directory), std::move(instance), std::move(sockets));
  for (PairFiles* pair : {&nginx.live_, &nginx.staged_, &nginx.previous_}) {
    BERTH_TRY((*pair)[0], memory_file("certificate"));
    BERTH_TRY((*pair)[1], memory_file("key"));
  }
  return nginx;
}

NginxProcess::Kept NginxProcess::kept() const {
  Kept kept{generation_, {}, sockets_.descriptors()};
  for (const PairFiles* pair : {&live_, &staged_, &previous_})
    for (const UniqueFd& file : *pair) kept.files.push_back(file.get());
  return kept;
}

NginxProcess NginxProcess::resume(NginxSettings settings, std::string run_directory, std::string instance,
                                  const Kept& kept) {
  NginxProcess nginx(std::move(settings), std::move(run_directory), std::move(instance),
                     HandedSockets::of(kept.sockets));
  nginx.generation_ = kept.generation;
  auto file = kept.files.begin();
  for (PairFiles* pair : {&nginx.live_, &nginx.staged_, &nginx.previous_})
    for (UniqueFd& each : *pair) each = UniqueFd(*file++);
  return nginx;
}

Result<> NginxProcess::stage(const config::Config& config, const CertificatePair& pair) {
  const std::string fresh = tree_ + ".new";
  std::error_code error;
  fs::remove_all(fresh, error); // one that a full disk cut short
  settings_.pull_gate = run_directory_ + pull_gates + "/" + std::to_string(++generation_);
  settings_.client_cas = pair.client_cas;
  certificate_ends_ = pair.ends;
  NginxSettings for_test = settings_;
  for_test.test_listen = test_listen;
  BERTH_CHECK(write_nginx_tree(fresh, config, for_test));
  BERTH_CHECK(rewrite(staged_[0], pair.certificate));
  BERTH_CHECK(rewrite(staged_[1], pair.key));
  BERTH_TRY(const Output output, output_of([&] {
              return execute_nginx({"-t", "-q", "-c", fresh + "/nginx.conf"}, staged_, {.tested = &config});
            }));
  if (output.status == 0) return write_nginx_tree(fresh, config, settings_);
  return fail(Code::invalid,
              "nginx refuses its configuration (" + describe_status(output.status) + "): " + on_one_line(output.text));
}

Result<> NginxProcess::install() {
  std::error_code error;
  fs::remove_all(tree_ + ".old", error);
  for (std::size_t i = 0; i < live_.size(); ++i) BERTH_CHECK(copy(live_[i], previous_[i]));
  for (std::size_t i = 0; i < live_.size(); ++i) {
    if (auto copied = copy(staged_[i], live_[i]); !copied) {
      for (std::size_t k = 0; k < live_.size(); ++k) BERTH_CHECK(copy(previous_[k], live_[k]));
      return copied;
    }
  }
  if (fs::exists(tree_, error)) fs::rename(tree_, tree_ + ".old", error);
  if (!error) fs::rename(tree_ + ".new", tree_, error);
  if (!error) return {};
  BERTH_CHECK(revert());
  return std::unexpected(errno_error("rename", tree_, error.value()));
}

void NginxProcess::settle() {
  std::error_code ignored;
  fs::remove_all(tree_ + ".old", ignored);
  for (const PairFiles* pair : {&staged_, &previous_})
    for (const UniqueFd& file : *pair) (void)::ftruncate(file.get(), 0);
}

Result<> NginxProcess::revert() {
  for (std::size_t i = 0; i < live_.size(); ++i) BERTH_CHECK(copy(previous_[i], live_[i]));
  std::error_code error;
  if (!fs::exists(tree_ + ".old", error)) return {};
  fs::remove_all(tree_, error);
  fs::rename(tree_ + ".old", tree_, error);
  if (error) return std::unexpected(errno_error("rename", tree_, error.value()));
  return {};
}

Result<> NginxProcess::start_drain() {
  const std::string path = run_directory_ + drain_file;
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) return std::unexpected(errno_error("open", path, errno));
  return {};
}

void NginxProcess::end_drain() { ::unlink((run_directory_ + drain_file).c_str()); }

void NginxProcess::remove_pull_gates() {
  std::error_code ignored;
  fs::remove_all(run_directory_ + pull_gates, ignored);
}

int NginxProcess::run(const config::Log& log, const UniqueFd& spool_lock, api::debug::Answers& pulls) const {
  ::unlink((run_directory_ + "/" + health_socket).c_str());
  return execute_nginx({"-c", tree_ + "/nginx.conf"}, live_,
                       {.spool_lock = spool_lock.get(), .log = &log, .pulls = &pulls});
}

int NginxProcess::execute_nginx(std::vector<std::string> arguments, const PairFiles& pair, Serving serving) const {
  if (const auto dropped = drop_root_but_ports(); !dropped) {
    std::fprintf(stderr, "berth: %s\n", dropped.error().message.c_str());
    return exit_cannot_execute;
  }
  die_with_parent(); // the kernel forgets it when the user changes
  if (serving.tested != nullptr)
    if (const auto free = may_listen(*serving.tested, sockets_.empty() ? PublicPort::own : PublicPort::handed_over);
        !free) {
      std::fprintf(stderr, "%s\n", free.error().message.c_str());
      return 1;
    }
  // Above what they become, so that none overwrites another.
  const int lock = serving.spool_lock < 0 ? -1 : ::fcntl(serving.spool_lock, F_DUPFD_CLOEXEC, lowest_own_fd);
  ::dup2(pair[0].get(), certificate_fd);
  ::dup2(pair[1].get(), key_fd);
  if (lock >= 0) ::dup2(lock, spool_lock_fd);
  if (serving.tested == nullptr) sockets_.give_to_nginx(first_socket_fd);
  if (serving.tested != nullptr) ::dup2(STDOUT_FILENO, pull_log_fd); // nginx opens its logs in a test too
  if (serving.log != nullptr)
    if (const auto relayed = relay_output(*serving.log, instance_, *serving.pulls); !relayed) {
      std::fprintf(stderr, "berth: %s\n", relayed.error().message.c_str());
      return exit_cannot_execute;
    }
  std::vector<std::string> command = {settings_.binary, "-e", "stderr", "-p", run_directory_ + "/"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  let_program_give_back_large_blocks();
  return execute(command, run_directory_);
}

void NginxProcess::close() {
  for (PairFiles* pair : {&live_, &staged_, &previous_})
    for (UniqueFd& file : *pair) file.reset();
  sockets_ = {};
}

} // namespace berth::app
