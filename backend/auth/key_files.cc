#include "auth/key_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/content.h"
#include "base/encoding.h"
#include "base/unique_fd.h"

namespace berth::auth {
namespace {

constexpr std::size_t max_bytes = 1024 * 1024;

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

Result<std::string> read_text(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)); // a FIFO would wait for its writer
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0) return std::unexpected(errno_error("open", path, errno));
  if (!S_ISREG(info.st_mode)) return fail(Code::io, "not a regular file");
  std::string text;
  BERTH_CHECK(read_file(file.get(), 0, [&](std::span<const std::byte> piece) -> Result<> {
    text += as_text(piece);
    if (text.size() > max_bytes) return fail(Code::invalid, "larger than 1 MiB");
    return {};
  }));
  return text;
}

} // namespace

Result<std::unique_ptr<KeyFiles>> KeyFiles::open(std::string bundle_path, std::string jwks_path, Logger& logger) {
  std::unique_ptr<KeyFiles> files(new KeyFiles(std::move(bundle_path), std::move(jwks_path), logger));
  files->versions_ = files->versions();
  BERTH_TRY(KeySet keys, files->read());
  files->keys_ = std::make_shared<const KeySet>(std::move(keys));
  return files;
}

std::shared_ptr<const KeySet> KeyFiles::current() {
  const Versions seen = versions(); // before reading: what changes meanwhile is seen the next time
  {
    std::lock_guard lock(mutex_);
    if (seen == versions_) return keys_;
  }
  auto read_keys = read();
  std::unique_lock lock(mutex_);
  const bool is_news = versions_ != seen; // threads may find the same change
  versions_ = seen;
  if (read_keys && is_news) keys_ = std::make_shared<const KeySet>(*std::move(read_keys));
  const std::string complaint = read_keys ? "" : read_keys.error().message;
  const std::string previous = std::exchange(complaint_, complaint);
  const auto keys = keys_;
  lock.unlock();

  if (!complaint.empty() && complaint != previous)
    logger_.error("the keys of tokens are not taken; those that were read last stay in force", {{"error", complaint}});
  if (complaint.empty() && is_news)
    logger_.info("the keys of tokens have changed", {{"keys", std::to_string(keys->size())}});
  return keys;
}

KeyFiles::Versions KeyFiles::versions() const {
  Versions found;
  std::size_t at = 0;
  for (const std::string* path : {&bundle_path_, &jwks_path_}) {
    struct stat info{};
    if (!path->empty() && ::stat(path->c_str(), &info) == 0)
      found[at] = {info.st_ino, info.st_size, nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
    ++at;
  }
  return found;
}

Result<KeySet> KeyFiles::read() const {
  KeySet keys;
  const auto take = [&](std::string_view key, const std::string& path, Result<> (KeySet::*add)(std::string_view)) {
    if (path.empty()) return Result<>();
    const auto text = read_text(path);
    const Result<> added = text ? (keys.*add)(*text) : std::unexpected(text.error());
    if (added) return added;
    return Result<>(fail(added.error().code, std::string(key) + ": \"" + path + "\": " + added.error().message));
  };
  BERTH_CHECK(take("auth.token.rootcertbundle", bundle_path_, &KeySet::add_bundle));
  BERTH_CHECK(take("auth.token.jwks", jwks_path_, &KeySet::add_jwks));
  return keys;
}

} // namespace berth::auth
