// `berth rm`: removes tags, manifests and repositories, as DELETE of the API does, webhooks included.
#pragma once

#include <string>
#include <vector>

namespace berth::app {

struct Removing {
  bool repositories = false; // a NAME alone is meant: the repository with all that is in it, but for those below it
  bool force = false;        // immutable tags go, too
};
// words: CONFIG, then each NAME:TAG, which removes the tag alone, or NAME@DIGEST, which removes the manifest and its
// tags; or each NAME, if repositories are removed. Whether clients may delete (storage.delete.enabled) does not bind
// whoever may write the store's files; a registry that is read-only is left alone. The exit code: 1 if any of them
// could not be removed.
int rm(const std::vector<std::string>& words, const Removing& removing);

} // namespace berth::app
