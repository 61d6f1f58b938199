// PullGate: what the pool tells nginx of pulls, by files that nginx looks for, so that nginx need not ask
// (docs/decisions/0040). Below the directory of one pool, which is removed when that pool ends:
//
//   open/.well                       the registry is well
//   open/<bucket>/<name>/.<tail>     whoever shows a token with this end may pull from the repository, in this bucket
//
// While the registry is not well, `open` is called `shut`: nginx finds nothing then, and asks the pool. So it does
// wherever a file could not be made: a missing file costs time, and lets nobody in.
// Threads: safe. Borrows: the clock.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "auth/access.h"
#include "base/clock.h"
#include "base/guarded.h"
#include "base/periodic.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::app {

class PullGate {
public:
  static constexpr const char *open_name = "open", *well_name = ".well";
  // What stands in the place of a token's end for a caller who says nothing of who it is.
  static constexpr std::string_view nobody = "-";
  // As nginx counts time (nginx/snippets/http/pulls.conf).
  static constexpr std::chrono::seconds bucket_time{100};
  // In a bucket. Those that come later are asked about.
  static constexpr std::size_t max_entries = 50'000;

  // Makes the directory, in place of one that a killed pool has left there, and opens the gate. Errors: storage_full,
  // io.
  static Result<std::unique_ptr<PullGate>> make(std::string directory, const Clock& clock);
  ~PullGate();

  // Opens or shuts the gate, as is_well says. To be called after each change of that, by whoever made it.
  void follow(const std::function<bool()>& is_well);

  // Lets nginx answer pulls from the repository to those who send this value of Authorization, in this bucket, if the
  // grant may be relied upon. Requires: the grant is one to pull from the repository, which is there.
  void let_through(std::string_view authorization, const auth::Grant& grant, const std::string& repository);

  // The last 43 characters of a Bearer token: who can say them holds it. nobody, where none is shown; empty: nginx
  // does not know such credentials.
  static std::string_view tail_of(std::string_view authorization);

  // Removes the buckets that are over.
  void sweep();

private:
  struct Made { // in one bucket
    long long bucket = 0;
    std::size_t entries = 0;
    std::unordered_set<std::size_t> files; // hashes of their paths
  };

  PullGate(std::string directory, UniqueFd open, const Clock& clock);
  long long bucket_now() const;
  std::size_t make_file(const std::string& path) const;

  const std::string directory_;
  const UniqueFd open_; // the directory, whatever it is called now
  const Clock& clock_;
  Guarded<Made> made_;
  Periodic periodic_; // the last member: it uses the others
};

} // namespace berth::app
