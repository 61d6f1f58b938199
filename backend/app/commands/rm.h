// `berth rm`: removes tags and manifests, as DELETE of the API does, webhooks included.
#pragma once

#include <string>
#include <vector>

namespace berth::app {

// words: CONFIG, then each NAME:TAG, which removes the tag alone, or NAME@DIGEST, which removes the manifest and its
// tags. Whether clients may delete (storage.delete.enabled) does not bind whoever may write the store's files; a
// registry that is read-only is left alone. The exit code: 1 if any of them could not be removed.
int rm(const std::vector<std::string>& words);

} // namespace berth::app
