#include "driver/s3/credentials.h"

#include "base/small_file.h"

namespace berth::driver::s3 {
namespace {

constexpr std::size_t max_file_bytes = std::size_t{1} << 20;

class Fixed final : public CredentialSource {
public:
  explicit Fixed(Credentials credentials) : credentials_(std::move(credentials)) {}
  Result<Credentials> now(Time) override { return credentials_; }

private:
  const Credentials credentials_;
};

bool are_whole(const Credentials& some) { return !some.access_key.empty() && !some.secret_key.empty(); }

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

// A profile of a shared file: [name], then lines `key = value`.
Credentials profile_in(std::string_view text, std::string_view name) {
  Credentials found;
  bool is_inside = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      is_inside = trimmed(line.substr(1, line.find(']') - 1)) == name;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!is_inside || equals == std::string_view::npos) continue;
    const std::string_view key = trimmed(line.substr(0, equals)), value = trimmed(line.substr(equals + 1));
    if (key == "aws_access_key_id") found.access_key = value;
    if (key == "aws_secret_access_key") found.secret_key = value;
    if (key == "aws_session_token") found.session_token = value;
  }
  return found;
}

Credentials of_environment(const Variables& variables) {
  const auto either = [&](const char* one, const char* other) {
    std::string value = variables(one);
    return value.empty() ? variables(other) : value;
  };
  return {either("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"), either("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"),
          variables("AWS_SESSION_TOKEN")};
}

struct SharedFile {
  std::string path, profile;
  bool is_named = false; // by a variable: then it has to be there
};

SharedFile shared_file(const Variables& variables) {
  SharedFile file{variables("AWS_SHARED_CREDENTIALS_FILE"), variables("AWS_PROFILE"), false};
  file.is_named = !file.path.empty() || !file.profile.empty();
  if (file.path.empty() && !variables("HOME").empty()) file.path = variables("HOME") + "/.aws/credentials";
  if (file.profile.empty()) file.profile = "default";
  return file;
}

// Nothing if there is no such file, and nobody named one.
Result<Credentials> of_file(const SharedFile& file) {
  if (file.path.empty()) return Credentials();
  const auto text = read_small_file(file.path, max_file_bytes);
  if (!text && !file.is_named) return Credentials();
  if (!text) return fail(Code::invalid, "storage.s3: AWS_SHARED_CREDENTIALS_FILE: " + text.error().message);
  Credentials found = profile_in(*text, file.profile);
  if (file.is_named && !are_whole(found))
    return fail(Code::invalid, "storage.s3: " + file.path + ": no profile [" + file.profile +
                                   "] with aws_access_key_id and aws_secret_access_key");
  return found;
}

} // namespace

Result<std::unique_ptr<CredentialSource>> find_credentials(const Credentials& given, const Variables& variables) {
  if (are_whole(given)) return std::make_unique<Fixed>(given);
  if (Credentials found = of_environment(variables); are_whole(found)) return std::make_unique<Fixed>(std::move(found));
  const SharedFile file = shared_file(variables);
  BERTH_TRY(Credentials found, of_file(file));
  if (are_whole(found)) return std::make_unique<Fixed>(std::move(found));
  return fail(Code::invalid, "storage.s3: no credentials: they are not in accesskey and secretkey, nor in "
                             "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, nor in " +
                                 (file.path.empty() ? "~/.aws/credentials" : file.path) + ", profile [" + file.profile +
                                 "]; berth does not ask for those of a role (web identity, container, instance) yet");
}

} // namespace berth::driver::s3
