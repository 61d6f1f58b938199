#include "storage/uploads/joined.h"

#include <utility>

#include "model/digester.h"

namespace berth::storage {

Result<Content> open_stored(driver::StorageDriver& driver, const Stored& file) {
  BERTH_TRY(Content content, driver.open(file.path));
  if (content.size() != file.size) return fail(Code::corrupt, file.path + " has not the size that was put");
  return content;
}

Joined::Joined(driver::StorageDriver& driver, std::vector<Stored> files, Content rest,
               const model::CanonicalDigest& digest)
    : driver_(driver), files_(std::move(files)), rest_(std::move(rest)), digest_(digest) {
  size_ = rest_.size();
  for (const Stored& file : files_) size_ += file.size;
}

Result<> Joined::read_files(std::uint64_t offset, const Sink& sink) const {
  for (const Stored& file : files_) {
    if (offset >= file.size) {
      offset -= file.size;
      continue;
    }
    BERTH_TRY(const Content content, open_stored(driver_, file));
    BERTH_CHECK(content.read(offset, sink));
    offset = 0;
  }
  return rest_.read(offset, sink);
}

Result<> Joined::read(std::uint64_t offset, const Sink& sink) const {
  if (offset > 0) return read_files(offset, sink);
  model::Sha256 hash;
  BERTH_CHECK(read_files(0, [&](std::span<const std::byte> piece) {
    hash.update(piece);
    return sink(piece);
  }));
  if (hash.digest() != digest_) return fail(Code::corrupt, "the parts of an upload are not " + digest_.str());
  return {};
}

} // namespace berth::storage
