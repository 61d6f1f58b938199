// Joined: files of a store, one behind the other, and what came last, read as one content. Each file is opened when it
// is its turn. Whoever reads all of it is told at the end if it is not what its digest says (corrupt).
// Borrows: the driver.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/content.h"
#include "driver/storage_driver.h"
#include "model/digest.h"

namespace berth::storage {

// A file of the store whose size is known.
struct Stored {
  std::string path;
  std::uint64_t size = 0;
};

// Errors: not_found; corrupt if it has another size.
Result<Content> open_stored(driver::StorageDriver& driver, const Stored& file);

class Joined final : public Source {
public:
  Joined(driver::StorageDriver& driver, std::vector<Stored> files, Content rest, const model::CanonicalDigest& digest);

  std::uint64_t size() const override { return size_; }
  Result<> read(std::uint64_t offset, const Sink& sink) const override;

private:
  Result<> read_files(std::uint64_t offset, const Sink& sink) const;

  driver::StorageDriver& driver_;
  std::vector<Stored> files_;
  Content rest_;
  model::CanonicalDigest digest_;
  std::uint64_t size_ = 0;
};

} // namespace berth::storage
