// Decompressor: takes the bytes of a layer as they pass and hands on what they are uncompressed. Layers of v1 clients
// say nothing of their compression: it is recognised by the first bytes, as docker does.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/content.h"
#include "base/result.h"

namespace berth::storage {

enum class Compression { none, gzip, bzip2, xz };

// Of the first bytes of a file, six or all of them.
Compression compression_of(std::string_view beginning);

class Decompressor {
public:
  // Most bytes that one layer may become: 256 GiB.
  static constexpr std::uint64_t max_plain_bytes = std::uint64_t{1} << 38;

  // sink: takes the uncompressed bytes.
  explicit Decompressor(Content::Sink sink);
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;

  // Errors: image_invalid for bytes that are damaged, or too many; whatever the sink returns.
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

  Content::Sink sink_;
  std::string beginning_; // until there is enough of it to tell what it is
  bool begun_ = false;
  Compression compression_ = Compression::none;
  std::unique_ptr<Codec> codec_; // null: not compressed
  std::uint64_t plain_bytes_ = 0;
};

} // namespace berth::storage
