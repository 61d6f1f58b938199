// LayerStore: the blobs that clients push to a repository: its layers link set, with uploads and mounts.
// Threads: belongs to one request. Borrows: everything it is made of.
#pragma once

#include <functional>
#include <memory>

#include "registry/blobs.h"
#include "storage/blobs/linked_blob_store.h"
#include "storage/uploads/uploads.h"

namespace berth::storage {

class LayerStore final : public registry::BlobStore {
public:
  // The layers of another repository, to mount from.
  using LayersOf = std::function<LinkedBlobStore(const model::RepositoryName&)>;

  LayerStore(LinkedBlobStore& layers, storage::BlobStore& global, std::unique_ptr<Uploads> uploads, LayersOf layers_of)
      : layers_(layers), global_(global), uploads_(std::move(uploads)), layers_of_(std::move(layers_of)) {}

  Result<Readable> look(const Digest& digest, Need need) override { return layers_.look(digest, need); }
  Result<Location> locate(const Readable& blob) override { return layers_.locate(blob); }
  Result<std::string> get(const Digest& digest, std::size_t max_bytes) override {
    return layers_.get(digest, max_bytes);
  }
  Result<Descriptor> put(std::string_view media_type, std::string_view bytes) override {
    return layers_.put(media_type, bytes);
  }
  Result<> remove(const Digest& digest) override { return layers_.remove(digest); }

  Result<Descriptor> adopt(const Digest& digest) override;
  Result<registry::Created> create(const std::optional<registry::MountRequest>& mount) override;
  Result<std::unique_ptr<registry::BlobWriter>> resume(const model::UploadId& id, const std::string& state) override;
  Result<registry::UploadProgress> upload_progress(const model::UploadId& id, const std::string& state) override {
    return uploads_->progress(id, state);
  }
  Uploads& uploads() { return *uploads_; }

private:
  Publish publish();

  LinkedBlobStore& layers_;
  storage::BlobStore& global_;
  std::unique_ptr<Uploads> uploads_;
  LayersOf layers_of_;
};

} // namespace berth::storage
