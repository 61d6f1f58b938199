// RepositoryRemoval: takes away all that a repository has: its tags, then its manifests, then its links to layers, then
// the uploads that nobody is writing; repositories below its name stay. Blobs are left to the collection.
//
// Each of these goes at once for every reader, so what a cut leaves behind is a repository with less in it, and doing
// it again goes on from there: without tags, or without manifests. On a file system each is renamed away.
//
// Who pushes meanwhile: a manifest, with its tags, is put before the removal and goes with it, or after
// (RepositoryGuard). A layer that is committed meanwhile goes or stays; the manifest that names one which went is
// refused (manifest_blob_unknown), also after a HEAD that saw it, and clients push again. An upload between two
// requests is unknown then, or busy while it goes; one that is being written stays. docker-registry on the same store
// takes no lock: what it pushes in the same moment may lose its layers.
//
// What v1 clients pushed stays readable to whom it was: who may read an image is told by the repositories it was in,
// and one that is in none is everybody's. Threads: belongs to one request. Borrows: all.
#pragma once

#include "driver/storage_driver.h"
#include "model/names.h"
#include "storage/blobs/linked_blob_store.h"
#include "storage/manifests/tag_store.h"
#include "storage/repository_guard.h"
#include "storage/uploads/uploads.h"

namespace berth::storage {

class RepositoryRemoval {
public:
  struct Parts {
    driver::StorageDriver& driver;
    RepositoryGuard& guard;
    TagStore& tags;
    LinkedBlobStore& layers;
    Uploads& uploads;
  };
  RepositoryRemoval(Parts parts, const model::RepositoryName& name) : parts_(parts), name_(name) {}

  // Errors: name_unknown if there is neither a manifest nor a layer in it; immutable, before anything is removed, if
  // one of its tags is; busy. Durable.
  Result<> run();

private:
  Result<bool> is_there(const std::string& directory);
  Result<> discard(const std::string& directory);
  Result<> remove_layers();

  Parts parts_;
  const model::RepositoryName& name_;
};

} // namespace berth::storage
