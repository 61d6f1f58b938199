// CollectionReport: what `berth garbage-collect` says, as docker/distribution does where that has a line for it.
// Threads: one at a time. Borrows: progress.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/commands/garbage_collect.h"
#include "app/commands/progress.h"
#include "storage/collect/mark.h"
#include "storage/collect/sweep.h"

namespace berth::app {

class CollectionReport final : public storage::MarkListener {
public:
  CollectionReport(const CollectionOptions& options, config::Duration grace, Progress& progress)
      : options_(options), grace_(grace), progress_(progress), prints_(!options.quiet && !options.json) {}

  void repository(const model::RepositoryName& name) override;
  void manifest(const model::RepositoryName& name, const model::CanonicalDigest& digest) override;
  void blob(const model::RepositoryName& name, const model::Digest& digest) override;
  void dead(const model::RepositoryName& name, const storage::FoundLink& link) override;
  void revived(const model::RepositoryName& name, const storage::FoundLink& link) override;
  void unreadable(const model::RepositoryName& name, const model::CanonicalDigest& digest,
                  const std::string& why) override;
  void odd(const std::string& path, const std::string& why) override;

  // What the mark has judged, for the sweep.
  const std::vector<storage::DeadLink>& links() const { return links_; }
  void swept(storage::Step step, const std::string& path);

  // Prints what is to be said at the end.
  void print(const storage::LiveSet& live, const storage::Swept& swept, Time began);
  nlohmann::ordered_json json(const storage::LiveSet& live, const storage::Swept& swept, Time began) const;
  // The same without what is long: for the record.
  nlohmann::ordered_json numbers(const storage::LiveSet& live, const storage::Swept& swept, std::uint64_t failed) const;

  // The repositories in which the mark has found no manifest; and one of them that turned out to be empty.
  std::vector<model::RepositoryName> take_perhaps_empty() { return std::exchange(perhaps_empty_, {}); }
  void emptied(const model::RepositoryName& name);
  std::size_t emptied() const { return emptied_.size(); }

private:
  void line(const std::string& text);
  void complain() const;
  void print_sums(const storage::Swept& swept, Time began) const;

  const CollectionOptions& options_;
  const config::Duration grace_;
  Progress& progress_;
  const bool prints_;
  std::vector<storage::DeadLink> links_;
  std::vector<std::string> eligible_;   // blobs, by the digits of their digests
  std::vector<std::string> unreadable_; // "NAME@DIGEST: why"
  std::vector<std::string> odd_;        // "PATH: why"
  std::vector<model::RepositoryName> perhaps_empty_;
  std::vector<std::string> emptied_;
  std::size_t repositories_ = 0, manifests_ = 0, dead_manifests_ = 0;
};

} // namespace berth::app
