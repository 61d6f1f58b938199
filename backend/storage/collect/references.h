// What the bytes of a stored manifest refer to. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "model/manifest.h"

namespace berth::storage {

struct References {
  bool is_index = false, is_schema1 = false;
  std::vector<model::Digest> contents = {};  // config, layers, children; as they are named
  std::optional<model::Digest> subject = {}; // what the manifest refers to: it is no part of it
};
// Errors: manifest_invalid for what is no manifest; corrupt if the bytes are not those of the digest.
Result<References> references_of(const model::CanonicalDigest& digest, std::string_view bytes);

// Every text in bytes that looks like a digest, whatever it stands for there.
void each_digest_in(std::string_view bytes, const std::function<void(const model::Digest&)>& each);

} // namespace berth::storage
