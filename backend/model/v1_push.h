// Pushes of v1 clients: the JSON of one image, and the conversion of a whole chain of images to one schema2 image. The
// same chain always becomes the same bytes.
// Spec: docker image-spec v1; docker image-spec v1.2 and manifest v2 schema 2; docker 1.10's migration of its images.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/descriptor.h"
#include "model/image_id.h"

namespace berth::model {

// Longest JSON of an image, in bytes.
inline constexpr std::size_t max_v1_json_bytes = 4 * 1024 * 1024;
// Most images in a chain: what docker before 1.6 can run, and aufs can stack.
inline constexpr std::size_t max_v1_chain = 127;

struct V1Json {
  ImageId id;
  std::optional<ImageId> parent; // absent: the base of its chain
};
// Errors: image_invalid, in the words of docker-registry.
Result<V1Json> parse_v1_json(std::string_view json);

// One image of a chain: its JSON as pushed, its layer (media type: docker's, of a tar or a compressed tar), and the
// digest of the layer's uncompressed bytes.
struct V1Part {
  std::string json;
  Descriptor layer;
  Digest diff_id;
};

struct DockerImage {
  std::string config;
  std::string manifest; // schema 2
};

// parts: the image itself first, its base last; each JSON passed parse_v1_json. Images that say of themselves that
// they add nothing (`throwaway`) become history without a layer. Requires: not empty.
// Errors: image_invalid.
Result<DockerImage> docker_image_of(std::span<const V1Part> parts);

// Returns the architecture that an image's JSON names; amd64 if it names none.
std::string architecture_of(std::string_view json);

// The digests of the uncompressed layers that a config names, base first. Errors: manifest_invalid.
Result<std::vector<Digest>> diff_ids_of(std::string_view config);

} // namespace berth::model
