// Entries: where descriptors are remembered, by repository and digest; and how often that helped.
// Threads: safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "model/descriptor.h"
#include "model/digest.h"
#include "model/names.h"

namespace berth::cache {

// An entry says what a repository may see, so nothing is put that is not linked there; and it may be lost at any time.
class Entries {
public:
  virtual ~Entries() = default;
  // Errors: any; the memory is out of order then, and nothing is known.
  virtual Result<std::optional<model::Descriptor>> find(const model::RepositoryName& repository,
                                                        const model::Digest& digest) = 0;
  // Under the digest and under the descriptor's own.
  virtual Result<> put(const model::RepositoryName& repository, const model::Digest& digest,
                       const model::Descriptor& descriptor) = 0;
  virtual Result<> erase(const model::RepositoryName& repository, const model::Digest& digest) = 0;
  // What is known of blobs wherever they are, as others share it. Entries that nobody else reads need not lose it.
  virtual Result<> forget(const std::vector<model::Digest>& /*blobs*/) { return {}; }
};

// Since the start of the process. requests = hits + misses + errors; an entry that was no longer true is a miss.
struct Counts {
  std::uint64_t requests = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t errors = 0;
};

class Counters {
public:
  void hit() { ++hits_; }
  void miss() { ++misses_; }
  void error() { ++errors_; }
  Counts counts() const {
    const Counts now{0, hits_, misses_, errors_};
    return {now.hits + now.misses + now.errors, now.hits, now.misses, now.errors};
  }

private:
  std::atomic<std::uint64_t> hits_ = 0, misses_ = 0, errors_ = 0;
};

} // namespace berth::cache
