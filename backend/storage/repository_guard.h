// RepositoryGuard: keeps a repository from being removed while a request makes manifests and tags in it, from the first
// one until the request ends: what it has found in the repository is there when it is named, and a manifest is put and
// tagged before a removal, or after it. Requests share it; a removal has it alone.
// Threads: belongs to one request. Borrows: locks.
#pragma once

#include <memory>
#include <utility>

#include "driver/locks.h"
#include "model/names.h"
#include "storage/paths.h"

namespace berth::storage {

class RepositoryGuard {
public:
  RepositoryGuard(driver::Locks& locks, model::RepositoryName name) : locks_(locks), name_(std::move(name)) {}

  // From now on it is not removed. Errors: busy, while it is.
  Result<> keep() {
    if (shared_) return {};
    BERTH_TRY(shared_, locks_.shared(paths::repository_lock(name_)));
    return {};
  }
  // While the lock is held, nobody keeps it; this request does not either. Errors: busy, if others do for long.
  Result<std::unique_ptr<driver::Lock>> exclude() {
    shared_.reset();
    return locks_.exclusive(paths::repository_lock(name_));
  }

private:
  driver::Locks& locks_;
  const model::RepositoryName name_;
  std::unique_ptr<driver::Lock> shared_; // null: not kept so far
};

} // namespace berth::storage
