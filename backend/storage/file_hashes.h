// FileHashes: the hashes of the large files that uploads bring. Whoever hashes a piece of one takes a piece of another
// along that waits to be hashed, as two cost little more than one (model::Sha256::update_both): uploads that come at
// the same time halve what they cost.
//
// A file may be known before it is all there (storage/hash_ahead.h): then it is hashed by advance(), until somebody
// asks for its hash and does the rest. Files are known by their inode; each is held open, so that its number is not
// used again.
// Requires: files grow at their end only.
// Threads: safe.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/content.h"
#include "base/guarded.h"
#include "base/unique_fd.h"
#include "model/digester.h"

namespace berth::storage {

class FileHashes {
public:
  // A smaller file is hashed faster than anybody could be told of it.
  static constexpr std::uint64_t min_bytes = 1 << 20;

  class File;

  // What a thread needs to hash: room for two pieces, which stay in the processor's cache.
  class Buffers {
  public:
    static constexpr std::size_t piece_bytes = 128 * 1024;
    std::span<std::byte> own() { return std::span(*bytes_).first<piece_bytes>(); }
    std::span<std::byte> other() { return std::span(*bytes_).last<piece_bytes>(); }

  private:
    using Bytes = std::array<std::byte, 2 * piece_bytes>;
    std::unique_ptr<Bytes> bytes_ = std::make_unique_for_overwrite<Bytes>();
  };

  // The hash of what `start` hashed and then of all of content. Errors: io.
  Result<model::Sha256> hash(const Content& content, const model::Sha256& start);

  // A file that still grows; the one that is known, if somebody asks for it already. Errors: io.
  Result<std::shared_ptr<File>> expect(UniqueFd fd);
  void forget(const File& file);
  // Hashes a piece of every expected file that has a whole one, so that none waits for another. False: none has.
  bool advance(Buffers& buffers);

  // How much of a file is hashed already; 0: nothing is known of it. Requires: content is a file.
  std::uint64_t progress(const Content& content);

private:
  using Files = std::vector<std::shared_ptr<File>>;

  std::shared_ptr<File> known(int fd);
  Result<std::shared_ptr<File>> add(UniqueFd fd, const model::Sha256& start);
  Files files();
  Buffers borrow();
  void give_back(Buffers buffers);
  Result<std::size_t> hash_piece(File& file, Buffers& buffers);
  bool hash_both(File& file, std::span<const std::byte> piece, File& other, std::span<std::byte> buffer);

  Guarded<Files> files_;
  Guarded<std::vector<Buffers>> idle_;
};

} // namespace berth::storage
