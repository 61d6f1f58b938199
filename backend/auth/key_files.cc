#include "auth/key_files.h"

#include "base/small_file.h"

namespace berth::auth {
namespace {

constexpr std::size_t max_bytes = 1024 * 1024;

// Adds the keys of the file that a configuration key names; adds none if path is empty.
Result<> add_file(KeySet& keys, std::string_view key, const std::string& path,
                  Result<> (KeySet::*add)(std::string_view)) {
  if (path.empty()) return {};
  const auto text = read_small_file(path, max_bytes);
  const Result<> added = text ? (keys.*add)(*text) : std::unexpected(text.error());
  if (added) return {};
  return fail(added.error().code, std::string(key) + ": \"" + path + "\": " + added.error().message);
}

} // namespace

Result<std::unique_ptr<KeyFiles>> open_key_files(const KeyPaths& paths, Logger& logger) {
  return KeyFiles::open({
      .paths = {paths.bundle, paths.jwks},
      .read = [paths]() -> Result<KeySet> {
        KeySet keys;
        BERTH_CHECK(add_file(keys, paths.bundle_key, paths.bundle, &KeySet::add_bundle));
        BERTH_CHECK(add_file(keys, paths.jwks_key, paths.jwks, &KeySet::add_jwks));
        return keys;
      },
      .refused =
          [&logger](const Error& why) {
            logger.error("the keys of tokens are not taken; those that were read last stay in force",
                         {{"error", why.message}});
          },
      .changed =
          [&logger](const KeySet& keys) {
            logger.info("the keys of tokens have changed", {{"keys", std::to_string(keys.size())}});
          },
  });
}

} // namespace berth::auth
