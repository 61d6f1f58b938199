#include "app/commands/passwd.h"

#include <openssl/crypto.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>

#include "app/commands/commands.h"
#include "auth/htpasswd.h"
#include "base/random.h"
#include "base/small_file.h"

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

} // namespace

Result<> set_password(const std::string& file, const std::string& user, const std::string& password) {
  SystemRandom random;
  BERTH_TRY(const std::string line, auth::htpasswd_line(user, password, auth::default_bcrypt_cost, random));
  std::error_code error;
  const std::string path = std::filesystem::weakly_canonical(file, error); // a link stays one
  const auto before = read_small_file(path, max_file_bytes);
  if (!before && !is(before.error(), Code::not_found)) return std::unexpected(before.error());
  return replace_small_file(path, without_user(before.value_or(std::string()), user) + line + "\n");
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
