// Findings: what the readers of a mark find, brought to one place in the order of the repositories, whoever is first.
// A reader that is ahead of others leaves what it found and goes on, until that is much: then it waits.
// Threads: Sequence is safe, and is shared; Findings belong to one reader. Borrows: all that is passed.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <variant>
#include <vector>

#include "model/image_id.h"
#include "storage/collect/mark.h"

namespace berth::storage {

struct FoundLive {
  model::CanonicalDigest digest;
};
struct FoundManifest {
  model::CanonicalDigest digest;
};
struct FoundBlob {
  model::Digest digest;
};
struct FoundDead {
  FoundLink link;
};
struct FoundRevived {
  FoundLink link;
};
struct FoundUnreadable {
  model::CanonicalDigest digest;
  std::string why;
};
struct FoundImage { // of v1, that a live manifest was made of
  model::ImageId id;
};
using Finding = std::variant<FoundLive, FoundManifest, FoundBlob, FoundDead, FoundRevived, FoundUnreadable, FoundImage>;

// Brings what is found in repositories 0, 1, 2 ... to a set and a listener, each whole and in this order.
class Sequence {
public:
  Sequence(LiveSet& live, MarkListener& listener) : live_(live), listener_(listener) {}

  struct Part {
    std::uint64_t number; // of the repository
    model::RepositoryName name;
    bool is_begun = false;
    std::vector<Finding> findings = {};
  };
  // Brings what there is of a part, whose repository is not done; waits for those before it.
  void bring(Part& part);
  // The same for the rest of a part; waits only if many are before it. Each number has to come to this.
  void end(Part part);

  // Requires: all have ended.
  std::vector<model::ImageId> take_images() { return std::move(images_); }

private:
  static constexpr std::size_t max_ahead = 64; // parts that are left

  void bring_now(Part& part);

  LiveSet& live_;
  MarkListener& listener_;
  std::vector<model::ImageId> images_;

  std::mutex mutex_; // of all above, too
  std::condition_variable advanced_;
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, Part> ahead_;
  int waiting_ = 0; // readers
};

class Findings {
public:
  Findings(Sequence& sequence, std::uint64_t number, model::RepositoryName name)
      : sequence_(sequence), part_{number, std::move(name)} {}

  const model::RepositoryName& repository() const { return part_.name; }
  void add(Finding finding) {
    part_.findings.push_back(std::move(finding));
    if (part_.findings.size() == max_kept) sequence_.bring(part_);
  }
  // The last call.
  void end() { sequence_.end(std::move(part_)); }

private:
  static constexpr std::size_t max_kept = 2048;

  Sequence& sequence_;
  Sequence::Part part_;
};

} // namespace berth::storage
