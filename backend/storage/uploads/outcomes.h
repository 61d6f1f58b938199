// What uploads of every form answer alike: one that is not there, and a digest that is not the content's.
#pragma once

#include "base/content.h"
#include "base/result.h"
#include "model/digest.h"

namespace berth::storage {

inline std::unexpected<Error> unknown_upload() { return fail(Code::blob_upload_unknown); }

// Maps a missing path to an unknown upload.
template <class T>
Result<T> of_upload(Result<T> result) {
  if (!result && is(result.error(), Code::not_found)) return unknown_upload();
  return result;
}

inline std::unexpected<Error> wrong_digest(const model::Digest& claimed) {
  return fail(Code::digest_invalid, {}, "the content is not " + claimed.str());
}

// Whether content is what the client called it. Reads it only if that is no canonical digest. Errors: those of reading.
Result<bool> is_digest_of(const Content& content, const model::Digest& claimed, const model::CanonicalDigest& actual);

} // namespace berth::storage
