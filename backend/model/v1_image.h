// V1 images: an image as docker before 1.10 knows it, a chain of single-layer images, each with an id and a JSON text,
// made from an image of today. The ids and texts are those of docker/distribution's schema1 converter, bit for bit, so
// that every registry gives an image the same ones. berth also converts OCI images, and images whose history does not
// fit their layers: these get a plain history of one entry a layer.
// Spec: docker/distribution 2.3 to 2.8, manifest/schema1 config builder; docker image-spec v1.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/digest.h"
#include "model/manifest.h"

namespace berth::model {

struct V1Image {
  std::string id;              // 64 lower-case hexadecimal digits
  std::string json;            // with id and, but for the base, parent: a schema1 manifest's v1Compatibility
  Digest blob;                 // its layer; the empty tar's for an image that adds nothing to its parent
  std::uint64_t blob_size = 0; // bytes
  bool adds_nothing = false;   // `throwaway` in the JSON
};

struct V1Chain {
  std::string architecture;    // as the config has it; may be empty
  std::vector<V1Image> images; // the image itself first, its base last; each one's parent follows it. Never empty.

  // Whether it needs the empty tar to be in the store.
  bool needs_empty_tar() const;
};

// The layer of images that add nothing: the gzip of a tar of 1024 zero bytes. 32 bytes.
std::string_view empty_tar_gzip();
const CanonicalDigest& empty_tar_digest();

// image: an image manifest (not an index); config: the bytes that its contents.front() names.
// Errors: manifest_invalid, with what is wrong in detail: not a container image, a layer that old clients cannot read
// (zstd, encrypted, foreign), or a config that is broken or has not one diff_id a layer.
Result<V1Chain> v1_chain_of(const ManifestInfo& image, std::string_view config);

// The chain that a schema1 manifest is: its texts are those of V1 images already. Sizes of blobs are unknown: 0.
// Errors: manifest_invalid, with what is wrong in detail: a layer under a tarsum, or images that are no chain.
Result<V1Chain> v1_chain_of_schema1(std::string_view payload);

} // namespace berth::model
