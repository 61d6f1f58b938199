#include "app/commands/store.h"

#include <sys/stat.h>

#include <cstdlib>

#include "app/commands/environment.h"
#include "app/logger.h"
#include "app/pool/immutable.h"
#include "app/supervisor/account.h"
#include "storage/paths.h"

namespace berth::app {
namespace {

constexpr const char* path_variable = "REGISTRY_CONFIGURATION_PATH";

bool is_file(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

} // namespace

Store::Store(config::Config config)
    : config_(std::move(config)), logger_(make_logger(config_.log)), parts_(config_, clock_, random_) {}

Result<std::unique_ptr<Store>> Store::open(const std::string& config_path) {
  BERTH_TRY(auto loaded, config::load(config_path, environment_of_process()));
  const std::string& root = loaded.config.storage.root;
  struct stat info{};
  if (!loaded.config.storage.is_in_bucket() && ::stat(root.c_str(), &info) != 0)
    return fail(Code::invalid, root + ": there is no store (" + config_path + ")");
  BERTH_TRY(const Account account, account_of(loaded.config));
  BERTH_CHECK(work_as(account));
  BERTH_CHECK(drop_root());
  std::unique_ptr<Store> store(new Store(std::move(loaded.config)));
  BERTH_CHECK(store->wire());
  return store;
}

Result<> Store::wire() {
  BERTH_TRY(cache_, cache_of(config_, nullptr, *logger_));
  BERTH_TRY(storage::ManifestRules rules, storage::ManifestRules::make({}));
  BERTH_TRY(storage::ImmutableTags immutable, immutable_tags_of(config_));
  registry_.emplace(parts_.registry_parts(std::move(rules), cache_.cache.get(), *logger_, std::move(immutable)));
  return {};
}

std::optional<Time> Store::tagged(const model::RepositoryName& repository, const model::Tag& tag) {
  const auto info = parts_.driver().stat(storage::paths::tag_current_link(repository, tag));
  return info ? info->changed : std::nullopt;
}

Result<ConfigAndWords> split_config(std::vector<std::string> words) {
  const char* named = std::getenv(path_variable);
  if (named != nullptr && *named != '\0' && (words.empty() || !is_file(words.front())))
    return ConfigAndWords{named, std::move(words)};
  if (words.empty()) return fail(Code::invalid, std::string("CONFIG is missing (or name it in ") + path_variable + ")");
  ConfigAndWords split{std::move(words.front()), {}};
  split.rest.assign(std::make_move_iterator(words.begin() + 1), std::make_move_iterator(words.end()));
  return split;
}

Result<ImageName> parse_image_name(const std::string& text) {
  const std::size_t at = text.find('@'), slash = text.rfind('/');
  const std::size_t colon = at == std::string::npos ? text.find(':', slash == std::string::npos ? 0 : slash) : at;
  const auto wrong = [&](const std::string& what) {
    return fail(Code::invalid, "\"" + text + "\": " + what + "; REPOSITORY, REPOSITORY:TAG or REPOSITORY@DIGEST, " +
                                   "without the registry's host, as in team/app:1.2");
  };
  auto repository = model::RepositoryName::parse(text.substr(0, colon));
  if (!repository) return wrong("is no repository's name");
  ImageName name{*std::move(repository), {}};
  if (colon == std::string::npos) return name;
  auto reference = model::parse_reference(text.substr(colon + 1));
  if (!reference || std::holds_alternative<model::Tag>(*reference) != (at == std::string::npos))
    return wrong(at == std::string::npos ? "is no tag" : "is no digest");
  name.reference = *std::move(reference);
  return name;
}

} // namespace berth::app
