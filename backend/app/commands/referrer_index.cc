#include "app/commands/referrer_index.h"

#include "base/clock.h"
#include "base/random.h"
#include "driver/file_locks.h"
#include "driver/filesystem.h"
#include "storage/registry.h"
#include "storage/uploads/file_uploads.h"

namespace berth::app {
namespace {

constexpr std::size_t page_size = 1000;

} // namespace

Result<> index_referrers_of(const config::Config& config, Logger& logger) {
  SystemClock clock;
  SystemRandom random;
  driver::FsOps ops;
  driver::Filesystem driver(config.storage.root, ops, random);
  BERTH_TRY(storage::ManifestRules rules, storage::ManifestRules::make({}));
  driver::FileLocks locks(config.storage.root, ops);
  storage::FileUploads uploads(driver, clock, random);
  storage::Registry registry({driver, locks, uploads, nullptr, std::move(rules), random, logger});

  std::size_t repositories = 0, referrers = 0;
  registry::Page page;
  std::string last;
  do {
    BERTH_TRY(page, registry.repositories({last, page_size}));
    for (const std::string& text : page.entries) {
      BERTH_TRY(const auto name, model::RepositoryName::parse(text));
      BERTH_TRY(const std::size_t found, registry.index_referrers(name));
      referrers += found;
      last = text;
    }
    repositories += page.entries.size();
  } while (page.more);
  logger.info("indexed", {{"repositories", std::to_string(repositories)}, {"referrers", std::to_string(referrers)}});
  return {};
}

} // namespace berth::app
