#include "app/commands/verify.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/human.h"
#include "app/commands/low_priority.h"
#include "app/commands/store.h"
#include "app/maintenance_records.h"
#include "model/repository_pattern.h"
#include "storage/collect/live_set.h"
#include "storage/paths.h"
#include "storage/verify/verify_blobs.h"
#include "storage/verify/verify_repositories.h"

namespace berth::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr int exit_not_whole = 3;

std::atomic<bool> told_to_stop = false;

void stop_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, [](int) { told_to_stop = true; });
}

std::string text_of(const storage::Finding& finding) {
  std::string text = std::string(name_of(finding.kind)) + ": ";
  if (!finding.repository.empty()) {
    text += finding.repository;
    for (std::size_t i = 0; i < finding.tags.size(); ++i) text += (i == 0 ? ":" : ",") + finding.tags[i];
    text += ' ';
  }
  text += finding.digest.empty() ? finding.path : finding.digest;
  if (finding.size) text += " (" + human_bytes(*finding.size) + ")";
  text += ": " + finding.why;
  return finding.action.empty() ? text : text + "; " + finding.action;
}

Json json_of(const storage::Finding& finding) {
  Json json{{"kind", name_of(finding.kind)}};
  const auto add = [&](const char* key, const std::string& text) {
    if (!text.empty()) json[key] = text;
  };
  add("repository", finding.repository);
  if (!finding.tags.empty()) json["tags"] = finding.tags;
  add("digest", finding.digest);
  add("path", finding.path);
  if (finding.size) json["size"] = *finding.size;
  add("why", finding.why);
  add("action", finding.action);
  return json;
}

// Says findings as they come, with the bar out of their way; in the background, to the log.
class Said {
public:
  Said(const VerifyRequest& request, Logger& logger)
      : json_(request.json), logger_(request.background ? &logger : nullptr) {}
  storage::TellFinding to(Progress& progress) {
    return [this, &progress](const storage::Finding& finding) {
      ++kinds_[std::string(name_of(finding.kind))];
      if (logger_ != nullptr) return logger_->warn("the store is not sound", {{"finding", text_of(finding)}});
      const std::string line = json_ ? dump(json_of(finding)) : text_of(finding);
      progress.aside([&] {
        std::puts(line.c_str());
        std::fflush(stdout);
      });
    };
  }
  Json kinds() const { return kinds_; } // how many there were of each
  static std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

private:
  const bool json_;
  Logger* const logger_; // null: they are printed
  std::map<std::string, std::uint64_t> kinds_;
};

struct Sums {
  storage::VerifiedRepositories repositories;
  storage::VerifiedBlobs blobs;

  std::uint64_t findings() const { return repositories.findings + blobs.damaged + blobs.unreadable; }
  bool is_whole() const { return repositories.is_whole && blobs.is_whole; }
  bool read_all() const { return is_whole() && repositories.unreadable + blobs.unreadable == 0; }
};

Json json_of(const Sums& sums) {
  const auto& [repositories, blobs] = sums;
  return {{"repositories", repositories.repositories},
          {"manifests", repositories.manifests},
          {"tags", repositories.tags},
          {"links", repositories.links},
          {"blobs", blobs.sound + blobs.damaged},
          {"bytes", blobs.bytes},
          {"passedOver", blobs.passed_over},
          {"findings", sums.findings()},
          {"whole", sums.read_all()}};
}

void say_sums(const Sums& sums, bool as_json) {
  const auto& [repositories, blobs] = sums;
  if (as_json) {
    std::puts(Said::dump(json_of(sums)).c_str());
    return;
  }
  std::string text = grouped(repositories.repositories) + " repositories, " + grouped(repositories.manifests) +
                     " manifests, " + grouped(repositories.tags) + " tags; " + grouped(blobs.sound + blobs.damaged) +
                     " blobs read, " + human_bytes(blobs.bytes);
  if (blobs.passed_over > 0) text += ", " + grouped(blobs.passed_over) + " read before and passed over";
  text += sums.findings() == 0 ? ": sound" : ": " + grouped(sums.findings()) + " findings";
  if (!repositories.is_whole || !blobs.is_whole) text += "; it was stopped: the next run goes on from here";
  std::puts(text.c_str());
}

Result<Sums> verify_store(Store& store, const VerifyRequest& request,
                          const std::optional<model::RepositoryPattern>& pattern, Said& said) {
  Sums sums;
  SystemClock clock;
  storage::LiveSet named;
  const auto stop = [] { return told_to_stop.load(std::memory_order_relaxed); };
  {
    Progress progress("repositories", Progress::Unit::items, request.loudness);
    storage::VerifyRepositoriesOptions options{.mend = request.mend,
                                               .dangling_links = request.links,
                                               .images_may_be_sparse = store.config().validation.sparse_images,
                                               .indexes_may_be_sparse = store.config().validation.index_platforms !=
                                                                        config::IndexPlatforms::all,
                                               .stop = stop};
    if (pattern) {
      options.wanted = [&](const model::RepositoryName& name) {
        return pattern->fits(model::components_of(name.str()), {});
      };
      options.named = [&](const model::CanonicalDigest& digest) { named.add(digest); };
    }
    storage::VerifyRepositories repositories(store.driver(), store.locks(), clock, std::move(options));
    BERTH_TRY(sums.repositories, repositories.run(said.to(progress), [&] { progress.advance(); }));
  }
  named.seal();
  Progress progress("blobs", Progress::Unit::bytes, request.loudness);
  storage::VerifyBlobs blobs(store.driver(), clock,
                             {.mend = request.mend,
                              .begin_anew = request.begin_anew,
                              .older = request.older,
                              .rate = request.rate,
                              .readers = request.background ? 1 : std::max(1U, std::thread::hardware_concurrency()),
                              .only = pattern ? &named : nullptr,
                              .stop = stop});
  BERTH_TRY(const std::uint64_t bytes, blobs.bytes_to_read());
  progress.expect(bytes);
  BERTH_TRY(sums.blobs, blobs.run(said.to(progress), [&](std::uint64_t more) { progress.advance(more); }));
  return sums;
}

Result<std::optional<model::RepositoryPattern>> pattern_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  auto pattern = model::RepositoryPattern::parse(text);
  if (!pattern || pattern->names_user())
    return fail(Code::invalid, "--repository \"" + text +
                                   "\": allowed is a name, in which * stands for any characters "
                                   "of a component and ** for any components");
  return *std::move(pattern);
}

} // namespace

namespace {

// As berth.verify has it. A run that was cut short is gone on with by the next one.
VerifyRequest in_background(VerifyRequest request, const config::Verification& asked) {
  request.rate = asked.rate;
  request.loudness = Loudness::quiet;
  return request;
}

// Whether no run has been whole for about as long as the interval.
bool is_due(Store& store) {
  const Json last = read_record(store.driver(), storage::paths::verify_record());
  const auto whole = last.find("lastSuccess");
  if (whole == last.end() || !whole->is_string()) return true;
  const auto time = parse_rfc3339(whole->get<std::string>());
  return !time || SystemClock().now() - *time > store.config().berth.verification.interval * 9 / 10;
}

// Nothing if another run is at work, or none is due.
Result<std::unique_ptr<driver::Lock>> take_turn(Store& store) {
  auto lock = store.locks().try_exclusive(storage::paths::verify_lock());
  if (!lock && is(lock.error(), Code::busy)) return nullptr;
  if (lock && !is_due(store)) return nullptr;
  return lock;
}

} // namespace

int verify(const std::string& config_path, const VerifyRequest& asked) {
  const auto pattern = pattern_of(asked.repositories);
  if (!pattern) return complain(pattern.error());
  const auto store = Store::open(config_path);
  if (!store) return complain(store.error());
  const VerifyRequest request = asked.background ? in_background(asked, (*store)->config().berth.verification) : asked;
  std::unique_ptr<driver::Lock> turn;
  if (request.background) {
    be_modest_child();
    auto taken = take_turn(**store);
    if (!taken) return complain(taken.error());
    if (!*taken) return exit_ok;
    turn = *std::move(taken);
  }
  take_low_priority();
  stop_on_signals();
  Said said(request, (*store)->logger());
  RecordedRun record((*store)->driver(), storage::paths::verify_record());
  if (*pattern) record.forget(); // of a part
  const auto sums = verify_store(**store, request, *pattern, said);
  if (!sums) {
    record.failed(sums.error().message);
    complain(sums.error());
    return exit_not_whole;
  }
  Json what = json_of(*sums);
  what["kinds"] = said.kinds();
  record.tell(std::move(what));
  if (sums->is_whole()) record.ended_well(); // else the next run goes on from there
  if (request.background)
    (*store)->logger().info("verified", {{"report", Said::dump(json_of(*sums))}});
  else
    say_sums(*sums, request.json);
  if (!sums->read_all()) return exit_not_whole;
  return sums->findings() == 0 ? exit_ok : exit_failure;
}

} // namespace berth::app
