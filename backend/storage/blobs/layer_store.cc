#include "storage/blobs/layer_store.h"

namespace berth::storage {

Publish LayerStore::publish() {
  return [this](const Digest& client_digest, const Descriptor& descriptor, Content bytes) {
    std::vector<driver::PutFile> aliases; // for mounts that do not say from where
    if (client_digest != descriptor.digest) aliases.push_back(global_.alias(client_digest, descriptor.digest));
    return layers_.publish(client_digest, descriptor, std::move(bytes), std::move(aliases));
  };
}

Result<Descriptor> LayerStore::adopt(const Digest& digest) {
  BERTH_TRY(Descriptor found, global_.stat_alias(digest));
  BERTH_CHECK(layers_.publish(digest, found));
  return found;
}

Result<registry::Created> LayerStore::create(const std::optional<registry::MountRequest>& mount) {
  if (mount) {
    const auto found = mount->from ? layers_of_(*mount->from).stat(mount->digest) : global_.stat_alias(mount->digest);
    if (found) {
      BERTH_CHECK(layers_.publish(mount->digest, *found));
      return registry::Mounted{*found};
    }
    if (!is(found.error(), Code::blob_unknown)) return std::unexpected(found.error());
  }
  BERTH_TRY(auto writer, uploads_->create(publish()));
  return registry::Created(std::move(writer));
}

Result<std::unique_ptr<registry::BlobWriter>> LayerStore::resume(const model::UploadId& id, const std::string& state) {
  return uploads_->resume(id, state, publish());
}

} // namespace berth::storage
