#include "app/commands/referrer_index.h"

#include <string>
#include <vector>

#include "app/store_parts.h"
#include "base/clock.h"
#include "base/random.h"
#include "storage/registry.h"

namespace berth::app {
namespace {

constexpr std::size_t page_size = 1000;

// All of them at once, as names are small: so it is known how long the work will take.
Result<std::vector<std::string>> all_repositories(storage::Registry& registry) {
  std::vector<std::string> names;
  registry::Page page;
  do {
    BERTH_TRY(page, registry.repositories({names.empty() ? std::string() : names.back(), page_size}));
    names.insert(names.end(), page.entries.begin(), page.entries.end());
  } while (page.more);
  return names;
}

} // namespace

Result<> index_referrers_of(const config::Config& config, Logger& logger, Loudness loudness) {
  Progress progress("repositories", Progress::Unit::items, loudness);
  const auto beside = progress.logger(logger);
  SystemClock clock;
  SystemRandom random;
  StoreParts store(config, clock, random);
  BERTH_TRY(storage::ManifestRules rules, storage::ManifestRules::make({}));
  storage::Registry registry(store.registry_parts(std::move(rules), nullptr, *beside));

  BERTH_TRY(const auto names, all_repositories(registry));
  progress.expect(names.size());
  std::size_t referrers = 0;
  for (const std::string& text : names) {
    BERTH_TRY(const auto name, model::RepositoryName::parse(text));
    BERTH_TRY(const std::size_t found, registry.index_referrers(name));
    referrers += found;
    progress.advance();
  }
  beside->info("indexed", {{"repositories", std::to_string(names.size())}, {"referrers", std::to_string(referrers)}});
  return {};
}

} // namespace berth::app
