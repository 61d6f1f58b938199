#include "app/commands/rm.h"

#include <cstdio>

#include "api/observed_repository.h"
#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/store.h"
#include "app/logger.h"
#include "app/pool/notifications.h"
#include "app/version.h"

namespace berth::app {
namespace {

// Tells the endpoints of notifications of what is removed, as of a DELETE that nobody sent over the network.
class Told {
public:
  static Result<std::unique_ptr<Told>> start(Store& store) {
    BERTH_TRY(auto notifier, notify::Notifier::start(notifier_options_of(store.config()), store.logger()));
    return std::unique_ptr<Told>(new Told(store, std::move(notifier)));
  }

  std::unique_ptr<registry::Repository> repository(const model::RepositoryName& name) {
    return api::observed(store_.registry().repository(name), events_);
  }

private:
  Told(Store& store, std::unique_ptr<notify::Notifier> notifier) : store_(store), notifier_(std::move(notifier)) {
    request_.method = "DELETE";
    request_.headers.set("User-Agent", std::string("berth/") + version() + " rm");
    if (!notifier_->empty()) settings_ = {notifier_.get(), &random_, source_of(store.config(), make_instance()), false};
  }

  Store& store_;
  const std::unique_ptr<notify::Notifier> notifier_;
  SystemRandom random_;
  SystemClock clock_;
  http::Request request_;
  const api::Options options_;
  const auth::Caller nobody_;
  api::EventSettings settings_;
  const api::Locations locations_{options_, request_};
  api::RequestEvents events_{settings_, request_, locations_, nobody_, clock_};
};

Result<std::string> remove(registry::Repository& repository) {
  const auto removed = repository.remove();
  if (!removed && is(removed.error(), Code::name_unknown))
    return fail(Code::not_found, repository.name().str() + ": there is no such repository");
  BERTH_CHECK(removed);
  return "removed the repository " + repository.name().str() + " with all that was in it";
}

// What was done, in words. Errors: not_found, io, storage_full, immutable.
Result<std::string> remove(Told& told, const ImageName& name, const std::string& text) {
  const auto repository = told.repository(name.repository);
  if (!name.reference) return remove(*repository);
  if (const auto* tag = std::get_if<model::Tag>(&*name.reference)) {
    const auto target = repository->tags().get(*tag);
    const auto removed = repository->tags().untag(*tag);
    if (!removed && is(removed.error(), Code::manifest_unknown))
      return fail(Code::not_found, text + ": there is no such tag");
    BERTH_CHECK(removed);
    return "removed the tag " + text + (target ? "; its manifest stays: " + target->str() : std::string());
  }
  const auto tags = repository->manifests().remove(std::get<model::Digest>(*name.reference));
  if (!tags && is(tags.error(), Code::manifest_unknown))
    return fail(Code::not_found, text + ": there is no such manifest");
  BERTH_CHECK(tags);
  std::string names;
  for (const model::Tag& tag : *tags) names += (names.empty() ? "" : ", ") + tag.str();
  return "removed the manifest " + text + (names.empty() ? ", which had no tags" : " and its tags: " + names);
}

Result<std::vector<ImageName>> names_of(const std::vector<std::string>& words, bool repositories) {
  if (words.empty())
    return fail(Code::invalid, repositories ? "rm --repository takes what to remove: REPOSITORY"
                                            : "rm takes what to remove: REPOSITORY:TAG or REPOSITORY@DIGEST");
  std::vector<ImageName> names;
  for (const std::string& word : words) {
    BERTH_TRY(ImageName name, parse_image_name(word));
    if (repositories && name.reference)
      return fail(Code::invalid, "\"" + word + "\": allowed is a repository alone with --repository");
    if (!repositories && !name.reference)
      return fail(Code::invalid, "\"" + word + "\": name a tag (" + word +
                                     ":TAG) or a digest; --repository removes a whole repository");
    names.push_back(std::move(name));
  }
  return names;
}

void say_what_follows(const config::Config& config) {
  if (!config.storage.delete_enabled)
    std::fputs("berth: note: storage.delete.enabled is off: that binds clients, not whoever may write the store\n",
               stderr);
  std::fputs("berth: note: blobs that nothing names any more take space until a garbage collection\n", stderr);
}

} // namespace

int rm(const std::vector<std::string>& words, const Removing& removing) {
  const auto asked = split_config(words);
  if (!asked) return complain(asked.error());
  const auto names = names_of(asked->rest, removing.repositories);
  if (!names) return complain(names.error());
  const auto store = Store::open(asked->config, removing.force ? Store::Immutable::may_go : Store::Immutable::stay);
  if (!store) return complain(store.error());
  if ((*store)->config().storage.read_only)
    return complain({Code::io,
                     "the registry is read-only (storage.maintenance.readonly.enabled), perhaps because something "
                     "else works on the store: nothing is removed",
                     {}});
  const auto told = Told::start(**store);
  if (!told) return complain(told.error());
  bool all = true;
  for (std::size_t i = 0; i < names->size(); ++i) {
    const auto done = remove(**told, (*names)[i], asked->rest[i]);
    if (done) std::puts(done->c_str());
    if (!done) all = complain(done.error()) == exit_ok;
  }
  if (all) say_what_follows((*store)->config());
  return all ? exit_ok : exit_failure;
}

} // namespace berth::app
