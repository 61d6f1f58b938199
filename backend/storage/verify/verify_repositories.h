// Looking through the repositories of a store: whether tags lead to manifests, manifests name what is there, links hold
// the digest that they are called by, and uploads can be dated. Blobs are looked for, not read (verify_blobs.h); what
// is in quarantine is there.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "driver/locks.h"
#include "driver/storage_driver.h"
#include "model/names.h"
#include "storage/verify/finding.h"

namespace berth::storage {

struct VerifyRepositoriesOptions {
  // Tags that lead nowhere and uploads that nobody can date are removed once they are old, bad links written again, or
  // removed if there is no blob for them.
  bool mend = false;
  bool dangling_links = false;                                      // told as well
  bool images_may_be_sparse = false, indexes_may_be_sparse = false; // what they name need not be there
  std::function<bool(const model::RepositoryName&)> wanted = {};    // which repositories; empty: all
  // Told of each manifest, and of what it names; empty: nobody.
  std::function<void(const model::CanonicalDigest&)> named = {};
  std::function<bool()> stop = [] { return false; }; // asked between repositories
};

struct VerifiedRepositories {
  std::uint64_t repositories = 0, manifests = 0, tags = 0, links = 0;
  std::uint64_t findings = 0;   // but dangling links
  std::uint64_t unreadable = 0; // of them
  bool is_whole = true;         // false: it was stopped
};

class VerifyRepositories {
public:
  static constexpr std::chrono::hours old_tag{24}, old_upload{7 * 24};

  // Borrows: all.
  VerifyRepositories(driver::StorageDriver& driver, driver::Locks& locks, const Clock& clock,
                     VerifyRepositoriesOptions options)
      : driver_(driver), locks_(locks), clock_(clock), options_(std::move(options)) {}

  // each: told of each repository that was looked at. Errors: io, if repositories cannot be listed.
  Result<VerifiedRepositories> run(const TellFinding& tell, const std::function<void()>& each);

private:
  class Repository;
  void look_at_uploads(const std::string& repository, const TellFinding& tell, VerifiedRepositories& sums);

  driver::StorageDriver& driver_;
  driver::Locks& locks_;
  const Clock& clock_;
  const VerifyRepositoriesOptions options_;
};

} // namespace berth::storage
