#include "storage/collect/mark.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "storage/collect/findings.h"
#include "storage/collect/mark_images.h"
#include "storage/collect/mark_repository.h"
#include "storage/enumerate/repositories.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

// The readers, and what they share.
class Readers {
public:
  Readers(driver::StorageDriver& driver, const MarkOptions& options, LiveSet& live, MarkListener& listener, bool has_v1)
      : driver_(driver),
        options_(options),
        has_v1_(has_v1),
        sequence_(live, listener),
        // What cannot be listed may hold roots; what nobody can name cannot.
        repositories_(driver, [](const std::string&, const Error& why) { return std::unexpected(why); }) {}

  Result<> run() {
    {
      std::vector<std::jthread> readers;
      for (unsigned i = 1; i < std::max(1U, options_.readers); ++i) readers.emplace_back([this] { read(); });
      read();
    }
    if (error_) return std::unexpected(*error_);
    return {};
  }

  bool stopped() const { return stopped_; }
  std::vector<model::ImageId> take_images() { return sequence_.take_images(); }
  std::vector<std::string> odd; // directories that no client can name

private:
  struct Next {
    model::RepositoryName name;
    std::uint64_t number;
  };

  void read() {
    while (auto next = take()) {
      Findings findings(sequence_, next->number, std::move(next->name));
      const auto done = mark_repository(driver_, options_, has_v1_, findings);
      findings.end();
      if (!done) fail_with(done.error());
    }
  }

  // The next repository; nothing when there is no more, or no sense in more.
  std::optional<Next> take() {
    const std::lock_guard lock(mutex_);
    while (!ended_) {
      if (options_.stop()) {
        stopped_ = ended_ = true;
        break;
      }
      auto found = repositories_.next();
      if (!found) error_ = found.error();
      if (!found || !*found) {
        ended_ = true;
        break;
      }
      Repositories::Found& repository = **found;
      if (!repository.has_layers && !repository.has_manifests) continue;
      if (repository.name) return Next{*std::move(repository.name), number_++};
      odd.push_back(std::move(repository.path));
    }
    return std::nullopt;
  }

  void fail_with(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    ended_ = true;
  }

  driver::StorageDriver& driver_;
  const MarkOptions& options_;
  const bool has_v1_;
  Sequence sequence_;

  std::mutex mutex_; // of what follows
  Repositories repositories_;
  std::uint64_t number_ = 0;
  bool ended_ = false, stopped_ = false;
  std::optional<Error> error_; // the first
};

// Also what cannot be looked at.
bool is_there(driver::StorageDriver& driver, const std::string& path) {
  const auto info = driver.stat(path);
  return info || !is(info.error(), Code::not_found);
}

} // namespace

Result<bool> mark(driver::StorageDriver& driver, const MarkOptions& options, LiveSet& live, MarkListener& listener) {
  const bool has_v1 = is_there(driver, paths::v1_images());
  Readers readers(driver, options, live, listener, has_v1);
  BERTH_CHECK(readers.run());
  if (readers.stopped()) return false;
  for (const std::string& path : readers.odd) listener.odd(path, "no repository can have this name: passed over");
  if (has_v1) BERTH_CHECK(mark_images(driver, options, readers.take_images(), live, listener));
  live.seal();
  return true;
}

} // namespace berth::storage
