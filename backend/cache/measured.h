// Measured: entries before others that tell how long each action took, by docker/distribution's names of operations.
// Threads: safe, as the entries and tell are.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "cache/entries.h"

namespace berth::cache {

class Measured final : public Entries {
public:
  using Tell = std::function<void(std::string_view operation, std::chrono::duration<double> time)>;
  Measured(std::unique_ptr<Entries> entries, Tell tell) : entries_(std::move(entries)), tell_(std::move(tell)) {}

  Result<std::optional<model::Descriptor>> find(const model::RepositoryName& repository,
                                                const model::Digest& digest) override {
    return timed("RepoStat", [&] { return entries_->find(repository, digest); });
  }
  Result<> put(const model::RepositoryName& repository, const model::Digest& digest,
               const model::Descriptor& descriptor) override {
    return timed("RepoSetDescriptor", [&] { return entries_->put(repository, digest, descriptor); });
  }
  Result<> erase(const model::RepositoryName& repository, const model::Digest& digest) override {
    return timed("RepoClear", [&] { return entries_->erase(repository, digest); });
  }
  Result<> forget(const std::vector<model::Digest>& blobs) override {
    return timed("Clear", [&] { return entries_->forget(blobs); });
  }

private:
  template <class Action>
  std::invoke_result_t<const Action&> timed(std::string_view operation, const Action& action) {
    const auto begun = std::chrono::steady_clock::now();
    auto result = action();
    tell_(operation, std::chrono::steady_clock::now() - begun);
    return result;
  }

  const std::unique_ptr<Entries> entries_;
  const Tell tell_;
};

} // namespace berth::cache
