// V1Members: which repositories a v1 image is in, and by which manifest: what makes an id, which is the same
// everywhere, readable through some repositories and not through others. Threads: safe. Borrows: the driver.
#pragma once

#include <utility>
#include <vector>

#include "driver/storage_driver.h"
#include "model/image_id.h"
#include "model/names.h"

namespace berth::storage {

class V1Members {
public:
  // Most repositories of one image that are looked at.
  static constexpr std::size_t max_members = 1000;

  explicit V1Members(driver::StorageDriver& driver) : driver_(driver) {}

  // manifest: in that repository, one whose chain has the image.
  using Member = std::pair<model::RepositoryName, model::CanonicalDigest>;
  Result<std::vector<Member>> of(const model::ImageId& id);
  // The write that makes the image a member of the repository, by this manifest; pass it to put(). It replaces another
  // one.
  driver::PutFile file(const model::ImageId& id, const Member& member);
  // Puts it, but not durably.
  Result<> note(const model::ImageId& id, const Member& member);

private:
  Result<> walk(const model::ImageId& id, const std::string& name, std::vector<Member>& members);

  driver::StorageDriver& driver_;
};

} // namespace berth::storage
