// V1Record: what berth keeps of a layer that a v1 client pushed, beside the image's JSON. The file of a finished image,
// and of each layer that came for one that is not finished yet.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/digest.h"
#include "model/image_id.h"
#include "storage/v1/decompressor.h"

namespace berth::storage {

struct V1Record {
  model::CanonicalDigest json; // of the image's JSON that the checksums are made with
  std::optional<model::ImageId> parent;
  model::CanonicalDigest layer; // the blob
  std::uint64_t size = 0;       // of the blob, in bytes
  model::Digest diff_id;
  Compression compression = Compression::gzip;
  std::string payload; // the verified checksums, as clients send them; empty: none
  std::string tarsum;
};

// Longest record, in bytes.
inline constexpr std::size_t max_v1_record_bytes = 4096;

std::string to_text(const V1Record& record);
// Errors: corrupt for what is no record.
Result<V1Record> parse_v1_record(std::string_view text);

} // namespace berth::storage
