// The log of removals: what policies have taken away, for people, and for who brings a tag back. Deletions by callers
// are not in it: the access log has them.
//
// A file is a batch of removals: `berth/removed/<time>-<random>`, a JSON object a line (docs/storage-layout.md). It is
// there before the first of them is carried out, so that nothing goes without its line; what was then left as it was
// loses its line again, or keeps it after a crash: a line says what a policy wanted gone, and the tag may be there. A
// store cannot append, and needs not: a run has a file a thousand removals.
// Threads: safe. Borrows: what is passed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "driver/storage_driver.h"
#include "model/digest.h"
#include "model/names.h"

namespace berth::storage {

struct Removal {
  Time time{}; // to the second
  model::RepositoryName repository;
  std::optional<model::Tag> tag; // absent: a manifest without a tag
  model::CanonicalDigest digest; // what the tag pointed to, or the manifest
  std::string rule;              // which policy, in words
};

// Most removals of a batch.
inline constexpr std::size_t max_removals = 1000;

// A batch that is being carried out.
class RemovalBatch {
public:
  // Writes all of them down, durably. Requires: at least one, and at most max_removals. Errors: those of a put.
  static Result<RemovalBatch> begin(driver::StorageDriver& driver, Random& random, Time now,
                                    const std::vector<Removal>& removals);
  // Writes down which of them were carried out: the others lose their lines; none was: the file goes. Errors: those of
  // a put or remove; then the file is as begin() left it.
  Result<> end(const std::vector<Removal>& carried_out);

private:
  RemovalBatch(driver::StorageDriver& driver, std::string path, std::size_t size)
      : driver_(driver), path_(std::move(path)), size_(size) {}

  driver::StorageDriver& driver_;
  std::string path_;
  std::size_t size_;
};

// Calls back for all removals, oldest batch first; within a batch as they were given. Lines and files that cannot be
// read are passed over. Errors: those of a listing, and whatever the callback returns, which ends it.
using EachRemoval = std::function<Result<>(const Removal&)>;
Result<> each_removal(driver::StorageDriver& driver, const EachRemoval& each);

// What was removed can be restored for the collection's grace; for people its line stays this much longer.
inline constexpr std::chrono::days removals_kept{30};

// Removes the batches that were begun before a time. Errors: those of a listing.
Result<> forget_removals(driver::StorageDriver& driver, Time before);

} // namespace berth::storage
