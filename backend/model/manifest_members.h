// The members of a manifest that clients decode into typed values, and what they must be: a client that finds another
// type there cannot read the document at all.
// Spec: OCI image-spec 1.1 and docker image-spec v2 schema 2, as Go's encoding/json decodes them.
#pragma once

#include "model/strict_json.h"

namespace berth::model {

// Checks the document, its descriptors and their platforms. Every member that is decoded has its type or is null, and
// no name differs from one that is decoded in the same object by its case alone: clients written in Go take "Digest"
// for "digest", and the last of several, and so would see another image than others do. Foreign members are ignored.
// Errors: manifest_invalid, naming the member and where it is.
Result<> check_members(const Json& document);

} // namespace berth::model
