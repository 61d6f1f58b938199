#include "app/commands/retention.h"

#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/retention_report.h"
#include "app/logger.h"
#include "app/pool/immutable.h"
#include "app/pool/notifications.h"
#include "app/version.h"
#include "notify/notifier.h"
#include "storage/paths.h"

namespace berth::app {
namespace {

constexpr const char* actor = "berth"; // of the events: nobody asked for the deletion

// What a run of retention works with, beside its store.
class Run final : public storage::RetentionListener {
public:
  static Result<std::unique_ptr<Run>> make(Store& store, storage::RetentionListener& listener) {
    BERTH_TRY(auto policies, policies_of(store.config()));
    BERTH_TRY(auto immutable, immutable_tags_of(store.config()));
    BERTH_TRY(auto guarded, protected_tags_of(store.config()));
    if (policies.empty())
      return fail(Code::invalid, "berth.retention.policies: there are none: nothing says what stays");
    return std::unique_ptr<Run>(
        new Run(store, listener, std::move(policies), std::move(immutable), std::move(guarded)));
  }

  Result<storage::Retained> run(storage::RetentionOptions options) {
    if (!options.dry_run) {
      BERTH_TRY(notifier_, notify::Notifier::start(notifier_options_of(store_.config()), store_.logger()));
      // Lines are kept longer than what was removed can be restored.
      const auto kept = store_.config().berth.collection.grace + storage::removals_kept;
      BERTH_CHECK(storage::forget_removals(store_.driver(), options.moment.now - kept));
    }
    std::optional<storage::PullTimes> pulls;
    if (policies_.asks_for_pulls()) {
      BERTH_TRY(pulls, storage::PullTimes::load(store_.driver()));
      if (!options.dry_run) BERTH_CHECK(pulls->fold(store_.driver(), options.moment.now));
      options.moment.pulls_since = pulls->since();
    }
    return storage::retain(
        {store_.driver(), store_.locks(), random_, policies_, immutable_, protected_, pulls ? &*pulls : nullptr},
        options, *this);
  }

private:
  Run(Store& store, storage::RetentionListener& listener, storage::RetentionPolicies policies,
      storage::ImmutableTags immutable, storage::ImmutableTags guarded)
      : store_(store),
        listener_(listener),
        policies_(std::move(policies)),
        immutable_(std::move(immutable)),
        protected_(std::move(guarded)),
        source_(source_of(store.config(), make_instance())) {}

  void repository(const model::RepositoryName& name) override { listener_.repository(name); }
  void tag(const storage::Judged& judged) override { listener_.tag(judged); }
  void stopped(const model::RepositoryName& name, std::size_t removed, std::size_t all) override {
    listener_.stopped(name, removed, all);
  }
  void passed_by(const storage::Removal& what) override { listener_.passed_by(what); }
  void failed(const std::string& what, const Error& why) override { listener_.failed(what, why); }

  // The webhooks are told, as of a deletion by a client.
  void removed(const storage::Removal& what) override {
    listener_.removed(what);
    if (notifier_->empty()) return;
    notify::Event event;
    event.id = uuid4(random_);
    event.time = SystemClock().now();
    event.action = notify::Action::remove;
    event.target.repository = what.repository.str();
    event.target.tag = what.tag->str();
    event.request.id = run_id_;
    event.request.method = "DELETE";
    event.request.user_agent = std::string("berth/") + version() + " retention";
    event.actor = actor;
    event.source = source_;
    notifier_->record(event);
  }

  Store& store_;
  storage::RetentionListener& listener_;
  SystemRandom random_;
  const storage::RetentionPolicies policies_;
  const storage::ImmutableTags immutable_, protected_;
  const notify::Source source_;
  const std::string run_id_ = uuid4(random_);
  std::unique_ptr<notify::Notifier> notifier_; // null in a dry run
};

// What a run in the background says.
class Logged final : public storage::RetentionListener {
public:
  explicit Logged(Logger& logger) : logger_(logger) {}
  void stopped(const model::RepositoryName& name, std::size_t removed, std::size_t all) override {
    logger_.warn("berth.retention.limit: no tag of this repository is deleted",
                 {{"repository", name.str()}, {"toGo", std::to_string(removed)}, {"tags", std::to_string(all)}});
  }
  void failed(const std::string& what, const Error& why) override {
    logger_.error("retention failed", {{"of", what}, {"error", why.message}});
  }

private:
  Logger& logger_;
};

storage::RetentionOptions options_of(const config::Config& config) {
  return {.moment = {SystemClock().now(), {}}, .limit = config.berth.retention.limit};
}

// The words of --repository and --tag. Errors: invalid.
Result<> read_words(const std::string& repository, const std::string& tag, storage::RetentionOptions& into) {
  const auto refuse = [](const std::string& option, const std::string& text, const std::string& allowed) {
    return fail(Code::invalid, option + ": \"" + text + "\": allowed is " + allowed);
  };
  if (!repository.empty()) {
    auto pattern = model::RepositoryPattern::parse(repository);
    if (!pattern || pattern->names_user())
      return refuse("--repository", repository,
                    "a name, in which * stands for any characters of a component and ** for any components");
    into.repository = *std::move(pattern);
  }
  if (tag.empty()) return {};
  auto parsed = model::Tag::parse(tag);
  if (!parsed) return refuse("--tag", tag, "a tag");
  into.tag = *std::move(parsed);
  return {};
}

// Errors: busy while a collection is at work.
Result<std::unique_ptr<driver::Lock>> lock(Store& store) {
  auto held = store.locks().try_exclusive(storage::paths::collection_lock());
  if (!held && is(held.error(), Code::busy))
    return fail(Code::busy, "a collection, or another run of retention, is at work on this store");
  return held;
}

// Whether the last run, of whichever pool, began about as long ago as the interval.
bool is_due(Store& store) {
  const auto last = store.driver().stat(storage::paths::retention_began());
  if (!last || !last->changed) return true;
  return SystemClock().now() - *last->changed > store.config().berth.retention.interval * 9 / 10;
}

} // namespace

RetentionCommand::RetentionCommand(CLI::App& app, std::string& config)
    : config_(config),
      command_(app.add_subcommand("retention", "Delete the tags that no policy of CONFIG keeps, while "
                                               "the registry runs or not")) {
  command_->add_option("CONFIG", config, "config.yml")->envname("REGISTRY_CONFIGURATION_PATH")->required();
  command_->add_flag("-d,--dry-run", dry_run_, "only say of each tag what keeps it, or why nothing does");
  command_->add_option("--repository", repository_, "these alone: team/app, team/**")->option_text("PATTERN");
  command_->add_option("--tag", tag_, "this one alone; the others count as ever")->option_text("TAG");
  command_->add_flag("--force", force_, "however many they are of a repository's: not by berth.retention.limit");
  command_->add_option("--format", format_, "how the result is told")
      ->check(CLI::IsMember({"text", "json"}))
      ->option_text("text|json");
  command_->add_flag("-q,--quiet", quiet_, "the sums alone");
  // For tests, which cannot wait for hours: judges as if it were so much later.
  command_->add_option("--later", later_)->group("");
}

std::optional<int> RetentionCommand::run() const {
  if (!command_->parsed()) return std::nullopt;
  const auto store = Store::open(config_);
  if (!store) return complain(store.error());
  storage::RetentionOptions options = options_of((*store)->config());
  options.dry_run = dry_run_;
  options.force = force_;
  if (const auto read = read_words(repository_, tag_, options); !read) return complain(read.error());
  if (const auto later = config::parse_age(later_); later && !later_.empty()) options.moment.now += *later;
  if (!dry_run_ && (*store)->config().storage.read_only)
    return complain(
        {Code::io, "the registry is read-only (storage.maintenance.readonly.enabled): nothing is deleted", {}});
  std::unique_ptr<driver::Lock> held;
  if (!dry_run_) {
    auto locked = lock(**store);
    if (!locked) return complain(locked.error());
    held = *std::move(locked);
  }
  Progress progress("repositories", Progress::Unit::items, quiet_ ? Loudness::quiet : Loudness::normal);
  RetentionReport report({format_ == "json", quiet_, dry_run_, options.limit}, progress);
  const auto run = Run::make(**store, report);
  if (!run) return complain(run.error());
  const auto sums = (*run)->run(options);
  if (!sums) return complain(sums.error());
  report.print(*sums);
  return sums->stopped + sums->failed == 0 ? exit_ok : exit_failure;
}

void retain_if_due(Store& store) {
  const config::Retention& retention = store.config().berth.retention;
  if (!retention.enabled || !is_due(store)) return;
  Logged logged(store.logger());
  const auto run = Run::make(store, logged);
  const auto begun = store.driver().put_scratch(storage::paths::retention_began(), {});
  const auto done = !run     ? std::unexpected(run.error())
                    : !begun ? std::unexpected(begun.error())
                             : (*run)->run(options_of(store.config()));
  if (!done) return store.logger().error("retention failed", {{"error", done.error().message}});
  store.logger().info("retention", {{"repositories", std::to_string(done->repositories)},
                                    {"tags", std::to_string(done->tags)},
                                    {"deleted", std::to_string(done->removed)},
                                    {"stopped", std::to_string(done->stopped)}});
}

} // namespace berth::app
