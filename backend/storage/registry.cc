#include "storage/registry.h"

#include "storage/blobs/layer_store.h"
#include "storage/catalog.h"
#include "storage/manifests/signature_store.h"
#include "storage/repository_removal.h"

namespace berth::storage {

LinkedBlobStore Registry::layers_of(const model::RepositoryName& name) {
  LinkSet links = LinkSet::layers(parts_.driver, name);
  if (parts_.cache == nullptr) return LinkedBlobStore(blobs_, std::move(links), parts_.logger);
  return LinkedBlobStore(blobs_, std::move(links), parts_.logger, *parts_.cache, name);
}

class Registry::Repository final : public registry::Repository {
public:
  Repository(Registry& registry, const model::RepositoryName& name)
      : driver_(registry.parts_.driver),
        name_(name),
        guard_(registry.parts_.locks, name),
        layers_(registry.layers_of(name)),
        revisions_(registry.blobs_, LinkSet::manifests(registry.parts_.driver, name), registry.parts_.logger),
        signatures_({registry.parts_.driver, registry.blobs_, registry.parts_.logger}, name),
        tags_({registry.parts_.driver, registry.parts_.locks, registry.directories_, registry.client_digests_,
               registry.parts_.immutable, registry.parts_.random, registry.parts_.logger, guard_},
              name),
        referrers_({registry.parts_.driver, registry.parts_.locks, revisions_, tags_, registry.referrers_}, name),
        blobs_(layers_, registry.blobs_, registry.parts_.uploads.of(name),
               [&registry](const model::RepositoryName& other) { return registry.layers_of(other); }),
        manifests_({revisions_, layers_, tags_, referrers_, registry.parts_.rules, registry.kinds_, guard_}) {
    tags_.when_restored([this](const CanonicalDigest& digest) -> Result<> {
      BERTH_CHECK(referrers_.restore(digest));
      return {};
    });
  }

  const model::RepositoryName& name() const override { return name_; }
  registry::BlobStore& blobs() override { return blobs_; }
  registry::ManifestStore& manifests() override { return manifests_; }
  registry::SignatureStore& signatures() override { return signatures_; }
  registry::TagStore& tags() override { return tags_; }
  registry::ReferrerStore& referrers() override { return referrers_; }
  Result<> remove() override {
    return RepositoryRemoval({driver_, guard_, tags_, layers_, blobs_.uploads()}, name_).run();
  }
  Result<std::size_t> index_referrers() {
    BERTH_CHECK(guard_.keep());
    return referrers_.index();
  }

private:
  driver::StorageDriver& driver_;
  model::RepositoryName name_;
  RepositoryGuard guard_;
  LinkedBlobStore layers_;
  LinkedBlobStore revisions_;
  SignatureStore signatures_;
  TagStore tags_;
  ReferrerStore referrers_;
  LayerStore blobs_;
  ManifestStore manifests_;
};

std::unique_ptr<registry::Repository> Registry::repository(const model::RepositoryName& name) {
  return std::make_unique<Repository>(*this, name);
}

Result<registry::Page> Registry::repositories(const registry::PageRequest& page) {
  return list_repositories(directories_, parts_.logger, page);
}

std::vector<std::pair<std::string_view, CacheFacts>> Registry::memories() {
  return {{"small blobs", blobs_.memory()},
          {"listings", directories_.memory()},
          {"kinds of manifests", kinds_.facts()},
          {"client digests", client_digests_.memory()},
          {"referrers", referrers_.memory()}};
}

Result<std::size_t> Registry::index_referrers(const model::RepositoryName& name) {
  return Repository(*this, name).index_referrers();
}

} // namespace berth::storage
