#include "app/commands/garbage_collect.h"

#include "app/commands/collection_report.h"
#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/low_priority.h"
#include "app/commands/retention.h"
#include "app/commands/store.h"
#include "app/maintenance_records.h"
#include "app/pool/immutable.h"
#include "storage/collect/empty_repositories.h"
#include "storage/paths.h"

namespace berth::app {
namespace {

constexpr const char* beside_others =
    "berth: note: docker-registry on the same files does not see what is parked, and one that remembers descriptors in "
    "its own memory must be stopped meanwhile (docs/operations.md)\n";

// One run, and the locks that it holds.
class Run {
public:
  Run(Store& store, const CollectionOptions& options, Progress& progress)
      : store_(store), options_(options), progress_(progress), grace_(grace_of(store.config(), options)) {}

  // False if another run is at work, or none is due: then nothing was done.
  Result<bool> collect() {
    BERTH_TRY(const bool mine, lock());
    if (!mine) return false;
    if (options_.background && !is_due()) return false;
    if (options_.background) retain_if_due(store_);
    RecordedRun record(store_.driver(), storage::paths::collection_record());
    if (options_.dry_run) record.forget();
    auto done = run(record);
    if (!done) record.failed(done.error().message);
    return done;
  }

  std::uint64_t failed() const { return failed_; }

private:
  Result<bool> run(RecordedRun& record) {
    BERTH_TRY(const Time began, now());
    storage::MarkOptions marking{.began = began, .grace = grace_, .untagged = untagged()};
    BERTH_TRY(const storage::RetentionPolicies policies, policies_of(store_.config()));
    if (options_.background && store_.config().berth.retention.enabled)
      marking.untagged_in = [&policies, all = marking.untagged](const model::RepositoryName& name) {
        const auto policy = policies.find(name);
        return policy ? policies.at(*policy).untagged : all;
      };
    CollectionReport report(options_, grace_, progress_);
    storage::LiveSet live;
    BERTH_TRY(const bool whole, storage::mark(store_.driver(), marking, live, report));
    if (!whole) return false;
    const storage::Swept swept =
        storage::sweep({store_.driver(), store_.cache(), *logger_}, live, report.links(), began,
                       {.grace = grace_, .dry_run = options_.dry_run, .now = options_.now},
                       [&](storage::Step step, const std::string& path, std::uint64_t) { report.swept(step, path); });
    failed_ = swept.failed;
    if (const auto& age = store_.config().berth.collection.empty_repositories) remove_empty(report, *age, began);
    record.add_to_totals("freedBlobs", swept.blobs.freed.count);
    record.add_to_totals("freedBytes", swept.blobs.freed.bytes);
    record.add_to_totals("broughtBack", swept.blobs.brought_back.count);
    record.add_to_totals("emptyRepositories", report.emptied());
    record.tell(report.numbers(live, swept, failed_));
    if (failed_ == 0) record.ended_well();
    if (failed_ > 0) record.failed("some of the work could not be done: the log has it");
    if (options_.background)
      store_.logger().info("collected", {{"report", report.json(live, swept, began).dump()}});
    else
      report.print(live, swept, began);
    return true;
  }

  // The repositories in which the mark has found no manifest.
  void remove_empty(CollectionReport& report, config::Duration age, Time began) {
    const storage::EmptyRepositoryOptions options{began, options_.now ? config::Duration(0) : age, options_.dry_run};
    for (const model::RepositoryName& name : report.take_perhaps_empty()) {
      const auto gone = storage::remove_if_empty(store_.driver(), name, options);
      if (gone && *gone) report.emptied(name);
      if (gone) continue;
      ++failed_;
      logger_->warn("a collection could not do all of its work",
                    {{"path", storage::paths::repository(name)}, {"why", gone.error().message}});
    }
  }

  static config::Duration grace_of(const config::Config& config, const CollectionOptions& options) {
    if (options.now) return config::Duration(0);
    return options.grace.value_or(config.berth.collection.grace);
  }

  std::optional<config::Duration> untagged() const {
    if (options_.delete_untagged) return grace_;
    return options_.background ? store_.config().berth.collection.untagged : std::nullopt;
  }

  // False if another collection holds the lock. A dry run needs none: it changes nothing.
  Result<bool> lock() {
    if (options_.dry_run) return true;
    auto collection = store_.locks().try_exclusive(storage::paths::collection_lock());
    if (!collection && is(collection.error(), Code::busy)) return false;
    if (!collection) return std::unexpected(std::move(collection).error());
    collection_ = *std::move(collection);
    if (!options_.now) return true;
    auto pools = store_.locks().try_exclusive(storage::paths::pools_lock());
    if (!pools && is(pools.error(), Code::busy))
      return fail(Code::invalid, "--now: a registry runs on this store: stop it, on every host, or leave out --now");
    if (!pools) return std::unexpected(std::move(pools).error());
    pools_ = *std::move(pools);
    return true;
  }

  // Whether the last run, of whichever pool, began about as long ago as the interval.
  bool is_due() {
    const auto last = store_.driver().stat(storage::paths::collection_began());
    if (!last || !last->changed) return true;
    return SystemClock().now() - *last->changed > store_.config().berth.collection.interval * 9 / 10;
  }

  Result<Time> now() {
    if (options_.dry_run) return SystemClock().now();
    return storage::store_time(store_.driver());
  }

  Store& store_;
  const CollectionOptions& options_;
  Progress& progress_;
  const config::Duration grace_;
  const std::unique_ptr<Logger> logger_ = progress_.logger(store_.logger());
  std::unique_ptr<driver::Lock> collection_, pools_;
  std::uint64_t failed_ = 0;
};

} // namespace

int garbage_collect(const std::string& config_path, const CollectionOptions& options) {
  const auto store = Store::open(config_path);
  if (!store) return complain(store.error());
  if (options.background) be_modest_child();
  const bool silent = options.quiet || options.background;
  if (!silent && !options.dry_run) std::fputs(beside_others, stderr);
  Progress progress("repositories", Progress::Unit::items, silent ? Loudness::quiet : Loudness::normal);
  Run run(**store, options, progress);
  const auto done = run.collect();
  if (!done) return complain(done.error());
  if (!*done && options.background) return exit_ok;
  if (!*done) return complain(fail(Code::busy, "another collection is at work on this store").error());
  return run.failed() == 0 ? exit_ok : exit_failure;
}

} // namespace berth::app
