// FileLocks: flock(2) on a file for each name, made when it is first locked and never removed. The kernel drops a lock
// when its holder dies; over NFS locks reach other hosts.
#pragma once

#include <chrono>

#include "driver/fs_ops.h"
#include "driver/locks.h"

namespace berth::driver {

class FileLocks final : public Locks {
public:
  // root: where names begin, an absolute path without a trailing slash, which need not exist yet. Borrows: ops.
  FileLocks(std::string root, FsOps& ops) : root_(std::move(root)), ops_(ops) {}

  Result<std::unique_ptr<Lock>> exclusive(const std::string& name) override;
  Result<std::unique_ptr<Lock>> shared(const std::string& name) override;
  Result<std::unique_ptr<Lock>> try_exclusive(const std::string& name) override;

private:
  Result<std::unique_ptr<Lock>> take(const std::string& name, int operation, std::chrono::milliseconds max_wait);

  std::string root_;
  FsOps& ops_;
};

} // namespace berth::driver
