// Descriptor: the handle of a stored blob. Small, cheap to copy and to cache; the bytes are elsewhere.
// Spec: OCI image-spec "Content Descriptors", of which it keeps the three fields that name content.
#pragma once

#include <cstdint>
#include <string>

#include "model/digest.h"

namespace berth::model {

struct Descriptor {
  std::string media_type; // what a cache knows of it; the truth about a manifest's type is in its bytes
  std::uint64_t size = 0; // bytes
  CanonicalDigest digest; // the name of the bytes in the store

  friend bool operator==(const Descriptor&, const Descriptor&) = default;
};

} // namespace berth::model
