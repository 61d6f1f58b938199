#include "app/commands/passwd.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "app/commands/commands.h"
#include "auth/htpasswd.h"
#include "base/content.h"
#include "base/random.h"
#include "base/small_file.h"
#include "base/unique_fd.h"

namespace berth::app {
namespace {

constexpr std::size_t max_file_bytes = 16 * 1024 * 1024;

// A line from a terminal that does not show it, or from whatever standard input is.
std::string ask(const char* prompt) {
  termios shown{};
  const bool on_terminal = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &shown) == 0;
  if (on_terminal) {
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    std::fputs(prompt, stderr);
  }
  std::string line;
  std::getline(std::cin, line);
  if (on_terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    std::fputc('\n', stderr);
  }
  return line;
}

// The lines of others, each ended.
std::string without_user(std::string_view text, const std::string& user) {
  std::string kept;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    const std::string_view line = text.substr(0, end + 1);
    text.remove_prefix(end + 1);
    const std::string_view words = line.substr(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (words.substr(0, words.find(':')) == user && words.contains(':')) continue;
    kept.append(line).append(line.ends_with('\n') ? "" : "\n");
  }
  return kept;
}

// In the place of the file, by rename.
Result<> replace(const std::string& path, std::string_view text) {
  struct stat before{};
  const bool is_there = ::stat(path.c_str(), &before) == 0;
  std::string temporary = path + ".XXXXXX";
  const UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC)); // 0600
  if (!file) return std::unexpected(errno_error("create", temporary, errno));
  const auto finish = [&]() -> Result<> {
    BERTH_CHECK(write_all(file.get(), text, temporary));
    if (is_there &&
        (::fchown(file.get(), before.st_uid, before.st_gid) != 0 || ::fchmod(file.get(), before.st_mode & 07777) != 0))
      return std::unexpected(errno_error("chown", temporary, errno));
    if (::fsync(file.get()) != 0) return std::unexpected(errno_error("fsync", temporary, errno));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return std::unexpected(errno_error("rename", path, errno));
    return {};
  };
  if (auto finished = finish(); !finished) {
    ::unlink(temporary.c_str());
    return finished;
  }
  const std::string directory = std::filesystem::path(path).parent_path();
  const UniqueFd parent(::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent || ::fsync(parent.get()) != 0) return std::unexpected(errno_error("fsync", directory, errno));
  return {};
}

} // namespace

Result<> set_password(const std::string& file, const std::string& user, const std::string& password) {
  SystemRandom random;
  BERTH_TRY(const std::string line, auth::htpasswd_line(user, password, auth::default_bcrypt_cost, random));
  std::error_code error;
  const std::string path = std::filesystem::weakly_canonical(file, error); // a link stays one
  const auto before = read_small_file(path, max_file_bytes);
  if (!before && !is(before.error(), Code::not_found)) return std::unexpected(before.error());
  return replace(path, without_user(before.value_or(std::string()), user) + line + "\n");
}

int passwd(const std::string& file, const std::string& user) {
  std::string password = ask("Password: ");
  if (::isatty(STDIN_FILENO) == 1) {
    std::string again = ask("Again: ");
    const bool same = again == password;
    OPENSSL_cleanse(again.data(), again.size());
    if (!same) {
      std::fputs("berth: the two differ; nothing is changed\n", stderr);
      return exit_usage;
    }
  }
  const Result<> set = set_password(file, user, password);
  OPENSSL_cleanse(password.data(), password.size());
  if (set) return exit_ok;
  std::fprintf(stderr, "berth: %s\n", set.error().message.c_str());
  return is(set.error(), Code::invalid) ? exit_usage : exit_failure;
}

} // namespace berth::app
