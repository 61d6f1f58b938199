#include "app/pool/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/content.h"
#include "base/encoding.h"
#include "base/unique_fd.h"

namespace berth::app {
namespace {

constexpr std::size_t secret_bytes = 32;
constexpr std::size_t max_kept_bytes = 16 * 1024;

std::unexpected<Error> failed(std::string_view call, const std::string& path) {
  return std::unexpected(errno_error(call, path, errno));
}

Result<std::string> read_state_file(const std::string& path, const StateFile& file) {
  BERTH_TRY(const Content content, Content::open(path));
  if (content.size() > max_kept_bytes || content.empty())
    return fail(Code::invalid, path + " is not what berth put there");
  std::string text;
  BERTH_CHECK(content.read([&](std::span<const std::byte> piece) -> Result<> {
    text += as_text(piece);
    return {};
  }));
  if (const auto sound = file.check(text); !sound)
    return fail(Code::invalid, path + ": " + sound.error().message + "; remove it to have a new one made");
  return text;
}

Result<> write_secret(const std::string& path, const std::string& secret) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return failed("open", path);
  if (::write(fd.get(), secret.data(), secret.size()) != static_cast<ssize_t>(secret.size()))
    return failed("write", path);
  if (::fsync(fd.get()) != 0) return failed("fsync", path);
  return {};
}

} // namespace

Result<std::string> load_or_create(const std::string& directory, const StateFile& file, Random& random) {
  const std::string path = directory + "/" + file.name;
  if (auto there = read_state_file(path, file); there || !is(there.error(), Code::not_found)) return there;
  std::error_code not_made;
  if (std::filesystem::create_directories(directory, not_made); not_made)
    return std::unexpected(errno_error("mkdir", directory, not_made.value()));

  BERTH_TRY(const std::string fresh, file.make());
  const std::string temporary = path + "." + uuid4(random);
  BERTH_CHECK(write_secret(temporary, fresh));
  // A link, unlike a rename, does not replace the secret that another process has made meanwhile.
  const bool lost = ::link(temporary.c_str(), path.c_str()) != 0;
  const int error_number = errno;
  ::unlink(temporary.c_str());
  if (lost && error_number != EEXIST) return std::unexpected(errno_error("link", path, error_number));
  const UniqueFd parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent || ::fsync(parent.get()) != 0) return failed("fsync", directory);
  return read_state_file(path, file);
}

Result<std::string> kept_secret(const std::string& directory, Random& random) {
  const auto make = [&random]() -> Result<std::string> {
    std::array<std::byte, secret_bytes> bytes;
    random.fill(bytes);
    return to_hex(as_text(bytes));
  };
  const auto check = [](const std::string& text) -> Result<> {
    if (text.size() != secret_bytes * 2) return fail(Code::invalid, "holds no secret");
    return {};
  };
  return load_or_create(directory, {"secret", make, check}, random);
}

} // namespace berth::app
