#include "storage/layer_store.h"

namespace berth::storage {

Publish LayerStore::publish() {
  return [this](const Digest& provisional, const Descriptor& descriptor, Content bytes) {
    return layers_.publish(provisional, descriptor, std::move(bytes));
  };
}

Result<registry::Created> LayerStore::create(const std::optional<registry::MountRequest>& mount) {
  if (mount) {
    const auto found = mount->from ? layers_of_(*mount->from).stat(mount->digest) : global_.stat(mount->digest);
    if (found) {
      BERTH_CHECK(layers_.publish(mount->digest, *found));
      return registry::Mounted{*found};
    }
    if (!is(found.error(), Code::blob_unknown)) return std::unexpected(found.error());
  }
  BERTH_TRY(auto writer, uploads_.create(publish()));
  return registry::Created(std::move(writer));
}

Result<std::unique_ptr<registry::BlobWriter>> LayerStore::resume(const model::UploadId& id) {
  return uploads_.resume(id, publish());
}

} // namespace berth::storage
