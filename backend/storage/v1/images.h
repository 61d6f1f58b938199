// storage::V1Images: the images of the v1 API. Those that clients pushed are files below docker/registry/v1/images (the
// JSON as it came, and a record of the layer, which is a blob like any other); those made of manifests are made again
// each time, from the repository that the index of members names.
// Threads: safe. Borrows: everything it is made of.
#pragma once

#include "base/log.h"
#include "driver/locks.h"
#include "registry/v1_images.h"
#include "storage/blobs/blob_store.h"
#include "storage/v1/members.h"
#include "storage/v1/record.h"
#include "storage/v1/unpacking.h"

namespace berth::storage {

using model::ImageId;

class V1Images final : public registry::V1Images {
public:
  struct Parts {
    driver::StorageDriver& driver;
    driver::Locks& locks;
    registry::Registry& registry;
    Logger& logger;
    Unpacking& unpacking;
  };
  explicit V1Images(Parts parts) : parts_(parts), blobs_(parts.driver), members_(parts.driver) {}

  Result<registry::V1Image> find(const ImageId& id, const registry::MayRead& may_read) override;
  Result<std::optional<model::RepositoryName>> repository_of(const ImageId& id,
                                                             const registry::MayRead& may_read) override;
  Result<std::vector<ImageId>> ancestry(const ImageId& id, const registry::MayRead& may_read) override;
  Result<Location> locate(const registry::V1Image& image) override;
  Result<> read_layer(const registry::V1Image& image, const Content::Sink& sink, const IsGone& is_gone) override;
  Result<> put_json(const ImageId& id, std::string_view json) override;
  Result<> takes_layer(const ImageId& id) override;
  Result<> put_layer(const ImageId& id, Content layer, const IsGone& is_gone) override;
  Result<> put_checksum(const ImageId& id, const registry::V1Checksums& checksums) override;

  // Copies a derived image into v1 storage so that it outlives the manifest it was derived from; called when another
  // image builds on it. Returns its diff_id, which is computed if no record has it. Durable.
  Result<model::Digest> keep(const registry::V1Image& image, Unpacking::Task& task);

private:
  Result<std::string> json_of(const ImageId& id);
  Result<std::string> json_of_unfinished(const ImageId& id);
  Result<V1Record> record_at(const std::string& path);
  Result<registry::V1Image> pushed(const ImageId& id);
  Result<registry::V1Image> made(const ImageId& id, const V1Members::Member& member);
  Result<bool> is_visible(const std::vector<V1Members::Member>& members, const registry::MayRead& may_read);
  Result<bool> is_finished(const ImageId& id);
  Result<bool> is_known(const ImageId& id);
  Result<std::vector<V1Record>> uploads_of(const ImageId& id, const CanonicalDigest& json);

  Parts parts_;
  storage::BlobStore blobs_;
  V1Members members_;
};

} // namespace berth::storage
