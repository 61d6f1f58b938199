// Decompressor: takes the bytes of a layer as they pass and hands on what they are uncompressed. Layers of v1 clients
// say nothing of their compression: it is recognised by the first bytes, as docker does.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/content.h"
#include "base/result.h"
#include "storage/v1/unpacking.h"

namespace berth::storage {

enum class Compression { none, gzip, bzip2, xz };

// Of the first bytes of a file, six or all of them.
Compression compression_of(std::string_view beginning);

// Takes turns with others, and waits for the memory that its format needs.
class Decompressor {
public:
  // Largest memory of a decoder: xz -9 asks for 65 MiB.
  static constexpr std::size_t max_decoder_bytes = 72 << 20;
  // Most that the sink may keep.
  static constexpr std::size_t max_kept_bytes = 8 << 20;

  // packed_bytes: of all of the layer. sink: takes the uncompressed bytes. kept_bytes: what the sink keeps of them in
  // memory, [0, max_kept_bytes]. Borrows: task, which rests when the decompressor is gone.
  Decompressor(Unpacking::Task& task, std::uint64_t packed_bytes, Content::Sink sink, std::size_t kept_bytes = 0);
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;

  // Errors: image_invalid for bytes that are damaged, or too many; unavailable, as the task says; whatever the sink
  // returns.
  Result<> update(std::span<const std::byte> bytes);
  // Errors: image_invalid if the bytes end too soon.
  Result<> finish();
  // Known after finish().
  Compression compression() const { return compression_; }

  // One format's decoder.
  class Codec;

private:
  Result<> begin();
  Result<> decode(std::span<const std::byte> bytes);
  Result<> emit(std::span<const std::byte> bytes);

  Result<> too_large() const;

  Unpacking::Task& task_;
  const std::uint64_t packed_bytes_;
  const std::uint64_t max_plain_bytes_;
  const Content::Sink sink_;
  const std::size_t kept_bytes_;
  std::string beginning_; // until there is enough of it to tell what it is
  bool begun_ = false;
  Compression compression_ = Compression::none;
  std::unique_ptr<Codec> codec_; // null: not compressed
  std::uint64_t plain_bytes_ = 0;
};

} // namespace berth::storage
