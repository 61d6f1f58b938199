// V1Images and V1Tags: what the v1 API sees of the store. An image of v1 is one layer with a JSON and a parent, under
// an id that is the same in every repository. There are two kinds: images that v1 clients pushed, kept as they came,
// and images that are derived from the manifests in the repositories. Code above storage/ cannot tell them apart. A
// function that may have to unpack a layer takes is_gone, and ends early once the client has left.
// Threads: safe. Errors: those named, and io and storage_full from below; unavailable from functions that unpack, if
// the client has left or there is too much to unpack.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/content.h"
#include "base/is_gone.h"
#include "model/descriptor.h"
#include "model/image_id.h"
#include "model/v1_image.h"
#include "registry/registry.h"

namespace berth::registry {

using model::ImageId;

struct V1Image {
  ImageId id;
  std::optional<ImageId> parent;
  std::string json;                   // as pushed, byte for byte
  Descriptor layer;                   // a blob like any other; the bytes as they go over the wire
  std::optional<Digest> diff_id;      // of the layer's uncompressed bytes; absent: not known
  std::vector<std::string> checksums; // those that were verified; none of an image made of a manifest
};

// As a client sends them; empty: not sent.
struct V1Checksums {
  std::string payload; // X-Docker-Checksum-Payload: sha256 of the JSON, a newline and the layer as sent
  std::string tarsum;  // X-Docker-Checksum
};

// Whether the caller may read a repository; null: every one. An id is readable through any repository that has it, and
// one that is in none yet (a push that is not tagged so far) is readable too.
using MayRead = std::function<Result<bool>(const model::RepositoryName&)>;

class V1Images {
public:
  virtual ~V1Images() = default;
  // Errors: image_unknown; image_unfinished.
  virtual Result<V1Image> find(const ImageId& id, const MayRead& may_read) = 0;
  // A repository that has the image and that the caller may read; absent if there is none.
  virtual Result<std::optional<model::RepositoryName>> repository_of(const ImageId& id, const MayRead& may_read) = 0;
  // The ids from the image to its base. Errors: those of find, for every one of them.
  virtual Result<std::vector<ImageId>> ancestry(const ImageId& id, const MayRead& may_read) = 0;
  virtual Result<Location> locate(const V1Image& image) = 0;
  // Calls sink with the bytes of the layer, uncompressed. The sink may keep max_kept_bytes in memory.
  // Errors: image_invalid if it cannot be uncompressed; whatever the sink returns.
  virtual Result<> read_layer(const V1Image& image, const Content::Sink& sink, const IsGone& is_gone) = 0;
  static constexpr std::size_t max_kept_bytes = 8 << 20;

  // Pushing, in this order. Until the checksum came an image is unfinished, and may be pushed again from the start.
  // Durable: each step, before it returns.
  // Errors: image_exists, if it is finished; image_invalid, also if the parent was never pushed.
  virtual Result<> put_json(const ImageId& id, std::string_view json) = 0;
  // Whether put_layer would look at a layer; holds nothing. Errors: image_unknown without a JSON; image_exists.
  virtual Result<> takes_layer(const ImageId& id) = 0;
  // Errors: image_unknown without a JSON; image_exists; image_invalid if it cannot be uncompressed.
  virtual Result<> put_layer(const ImageId& id, Content layer, const IsGone& is_gone) = 0;
  // Errors: image_unknown without a JSON; image_exists if there is no upload to finish; image_invalid if no layer that
  // came has this checksum. Of an image that is finished with this very checksum: success, as an answer may be lost.
  virtual Result<> put_checksum(const ImageId& id, const V1Checksums& checksums) = 0;
};

class V1Tags {
public:
  virtual ~V1Tags() = default;
  using Tagged = std::pair<std::string, ImageId>;
  // The tags that v1 clients can pull, in byte order. Others are left out; why is logged, once.
  // Errors: name_unknown if there is no such repository, or no tag in it.
  virtual Result<std::vector<Tagged>> list(Repository& repository, const IsGone& is_gone) = 0;
  // Errors: manifest_unknown, also if no v1 client can pull it.
  virtual Result<ImageId> get(Repository& repository, const model::Tag& tag, const IsGone& is_gone) = 0;
  // The images that a manifest was made of, as they were pushed by a v1 client. Nothing: it was not made so.
  virtual Result<std::optional<model::V1Chain>> pushed(Repository& repository, const CanonicalDigest& manifest) = 0;
  // Makes the image what the tag names, for clients of every age: an image made of a manifest is tagged as this
  // manifest, one that was pushed becomes a manifest.
  // Errors: those of ancestry; those of TagStore::tag. Durable.
  virtual Result<> tag(Repository& repository, const model::Tag& tag, const ImageId& id, IfTagged if_tagged,
                       const MayRead& may_read, const IsGone& is_gone) = 0;

  // A note is kept with a tag as long as it names the manifest it names now; without such a tag, not at all. It may be
  // lost: not durable.
  static constexpr std::size_t max_note_bytes = 4096;
  virtual Result<> keep_note(Repository& repository, const model::Tag& tag, std::string_view note) = 0;
  // Empty if there is none. Errors: manifest_unknown without such a tag.
  virtual Result<std::string> note(Repository& repository, const model::Tag& tag) = 0;
};

} // namespace berth::registry
