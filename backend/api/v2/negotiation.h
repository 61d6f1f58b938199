// Content negotiation of manifests: which manifest a client gets that named a tag or digest and sent an Accept header.
// Spec: docker/distribution 3's GET manifest (docs/spec-map.md), but for clients that name no types: they take all; and
// docker/distribution 2's for clients that know schema1 and not what is there.
#pragma once

#include "api/v2/call.h"
#include "model/manifest.h"

namespace berth::api::v2 {

enum class AskedBy { tag, digest };

struct Chosen {
  model::Digest digest; // of the bytes
  model::Manifest manifest;
};

// The manifest that was asked for; of a Docker list that the client does not take, its linux/amd64 image; or, by tag
// and for a client that takes schema1, an image converted to it (Chosen then holds the payload, not yet signed).
// Errors: manifest_unknown for a type that the client does not take, or a list without that image; manifest_invalid if
// the client takes neither the list nor Docker images, or an image cannot be converted for it.
Result<Chosen> negotiate(Call& call, AskedBy by, const model::Digest& digest, model::Manifest manifest);

} // namespace berth::api::v2
