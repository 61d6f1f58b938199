// TagStore: the tags of a repository: `current/link` names the manifest a tag points to, `index/` remembers all it ever
// pointed to (docker/distribution keeps that history, and its garbage collection reads it).
// Threads: safe. Borrows: the driver and the logger.
#pragma once

#include <functional>

#include "base/log.h"
#include "driver/storage_driver.h"
#include "registry/registry.h"

namespace berth::storage {

class TagStore final : public registry::TagStore {
public:
  TagStore(driver::StorageDriver& driver, model::RepositoryName repository, Logger& logger)
      : driver_(driver), repository_(std::move(repository)), logger_(logger) {}

  Result<model::CanonicalDigest> get(const model::Tag& tag) override;
  Result<> tag(const model::Tag& tag, const model::CanonicalDigest& digest) override;
  Result<> untag(const model::Tag& tag) override;
  Result<registry::Page> list(const registry::PageRequest& page) override;

  // Removes every tag that points to digest, and then what remove_revision removes, while no tag can be made: a
  // manifest that is tagged at the same time is either there with its tag or gone with it. Answers with those tags.
  Result<std::vector<model::Tag>> untag_all(const model::CanonicalDigest& digest,
                                            const std::function<Result<>()>& remove_revision);

private:
  Result<std::vector<std::string>> names();
  Result<> remove(const model::Tag& tag);

  driver::StorageDriver& driver_;
  model::RepositoryName repository_;
  Logger& logger_;
};

} // namespace berth::storage
