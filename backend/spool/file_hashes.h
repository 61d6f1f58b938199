// FileHashes: the hashes of the large files that uploads bring. A thread that hashes a piece of one file also hashes a
// waiting piece of another, as two cost little more than one (model::Sha256::update_both).
//
// A file may be known before it is complete (spool/hash_ahead.h): advance() hashes it until a caller asks for its hash
// and does the rest. Files are known by their inode; each is held open, so that its number is not used again.
// Requires: files grow at their end only.
// Threads: safe.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/content.h"
#include "base/guarded.h"
#include "base/unique_fd.h"
#include "model/digester.h"

namespace berth::spool {

class FileHashes {
public:
  // A smaller file is hashed faster than anybody could be told of it.
  static constexpr std::uint64_t min_bytes = 1 << 20;

  class File;

  // The buffers that a thread needs to hash: room for two pieces, which stay in the processor's cache.
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

  // Registers a file that still grows; returns the known one if its hash is asked for already. Returns null if this
  // version of the file was hashed recently, or if it cannot be stat-ed.
  std::shared_ptr<File> expect(UniqueFd fd);
  // There may be more of it. A file that was just entered counts as grown.
  static void grew(File& file);
  void forget(const File& file);

  enum class Advance { none, some, busy }; // busy: nothing, as others are at work on what there is
  // Hashes a piece of every expected file that has a whole one, so that none waits for another.
  Advance advance(Buffers& buffers);

  // How much of a file is hashed already; 0: nothing is known of it. Requires: content is a file.
  std::uint64_t progress(const Content& content);

private:
  using Files = std::vector<std::shared_ptr<File>>;
  // Identifies a file and its state. No one writes to a file once its hash was asked for.
  struct Version {
    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t seconds = 0, nanoseconds = 0; // of its last change
    bool operator==(const Version&) const = default;
  };
  struct Known {
    Files files;
    std::array<Version, 64> finished{}; // the last ones: a notice of them may still come
    std::size_t finishes = 0;

    std::shared_ptr<File>* find(const struct stat& info); // null: not known
  };

  static Version version_of(const struct stat& info);
  std::shared_ptr<File> asked_for(const Content& content, const model::Sha256& start);
  void finish(const File& file, const Content& content);
  Files files();
  Buffers borrow();
  void give_back(Buffers buffers);
  static Result<std::size_t> hash_piece(File& file, const Files& all, Buffers& buffers);
  static bool hash_both(File& file, std::span<const std::byte> piece, File& other, std::span<std::byte> buffer);

  Guarded<Known> known_;
  Guarded<std::vector<Buffers>> idle_;
};

} // namespace berth::spool
