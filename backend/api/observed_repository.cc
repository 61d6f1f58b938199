#include "api/observed_repository.h"

#include <string>
#include <utility>
#include <vector>

namespace berth::api {
namespace {

using model::CanonicalDigest;
using model::Digest;
using model::RepositoryName;
using notify::Action;
using registry::Descriptor;

class ObservedWriter final : public registry::BlobWriter {
public:
  ObservedWriter(std::unique_ptr<registry::BlobWriter> writer, const RepositoryName& name, RequestEvents& events)
      : writer_(std::move(writer)), name_(name), events_(events) {}

  const model::UploadId& id() const override { return writer_->id(); }
  registry::UploadProgress progress() const override { return writer_->progress(); }
  Result<> append(Content content, registry::Comes comes) override {
    return writer_->append(std::move(content), comes);
  }
  Result<Descriptor> commit(Content rest, const Digest& digest) override {
    auto descriptor = writer_->commit(std::move(rest), digest);
    if (descriptor) events_.blob(Action::push, name_, *descriptor);
    return descriptor;
  }
  Result<> cancel() override { return writer_->cancel(); }

private:
  std::unique_ptr<registry::BlobWriter> writer_;
  const RepositoryName& name_;
  RequestEvents& events_;
};

class ObservedBlobs final : public registry::BlobStore {
public:
  ObservedBlobs(registry::BlobStore& blobs, const RepositoryName& name, RequestEvents& events)
      : blobs_(blobs), name_(name), events_(events) {}

  Result<registry::Readable> look(const Digest& digest, registry::Need need) override {
    return blobs_.look(digest, need);
  }
  Result<std::string> get(const Digest& digest, std::size_t max_bytes) override {
    return blobs_.get(digest, max_bytes);
  }
  // An endpoint that asks where the bytes are sends them: that is a pull.
  Result<Location> locate(const registry::Readable& blob) override {
    auto location = blobs_.locate(blob);
    if (location) events_.blob(Action::pull, name_, blob.descriptor);
    return location;
  }
  Result<Descriptor> put(std::string_view media_type, std::string_view bytes) override {
    return told_as_pushed(blobs_.put(media_type, bytes));
  }
  Result<Descriptor> adopt(const Digest& digest) override { return told_as_pushed(blobs_.adopt(digest)); }
  Result<registry::Created> create(const std::optional<registry::MountRequest>& mount) override {
    auto created = blobs_.create(mount);
    if (!created) return created;
    if (const auto* mounted = std::get_if<registry::Mounted>(&*created)) {
      events_.mounted(name_, mounted->descriptor, mount->from ? mount->from->str() : "");
      return created;
    }
    return registry::Created(watched(std::get<std::unique_ptr<registry::BlobWriter>>(*std::move(created))));
  }
  Result<std::unique_ptr<registry::BlobWriter>> resume(const model::UploadId& id, const std::string& state) override {
    auto writer = blobs_.resume(id, state);
    if (!writer) return writer;
    return watched(*std::move(writer));
  }
  Result<registry::UploadProgress> upload_progress(const model::UploadId& id, const std::string& state) override {
    return blobs_.upload_progress(id, state);
  }
  Result<> remove(const Digest& digest) override {
    auto removed = blobs_.remove(digest);
    if (removed) events_.deleted(name_, digest);
    return removed;
  }

private:
  Result<Descriptor> told_as_pushed(Result<Descriptor> descriptor) {
    if (descriptor) events_.blob(Action::push, name_, *descriptor);
    return descriptor;
  }
  std::unique_ptr<registry::BlobWriter> watched(std::unique_ptr<registry::BlobWriter> writer) {
    return std::make_unique<ObservedWriter>(std::move(writer), name_, events_);
  }

  registry::BlobStore& blobs_;
  const RepositoryName& name_;
  RequestEvents& events_;
};

class ObservedManifests final : public registry::ManifestStore {
public:
  ObservedManifests(registry::ManifestStore& manifests, const RepositoryName& name, RequestEvents& events)
      : manifests_(manifests), name_(name), events_(events) {}

  Result<Descriptor> stat(const Digest& digest) override { return manifests_.stat(digest); }
  using registry::ManifestStore::get;
  Result<model::Manifest> get(const Digest& digest, registry::Need need) override {
    return manifests_.get(digest, need);
  }
  Result<Descriptor> put(const model::ManifestInfo& info, std::string_view bytes,
                         const std::optional<Digest>& client_digest) override {
    auto descriptor = manifests_.put(info, bytes, client_digest);
    if (descriptor)
      events_.put(name_, {std::string(descriptor->media_type), descriptor->digest,
                          client_digest ? client_digest->str() : descriptor->digest.str(), std::string(bytes)});
    return descriptor;
  }
  Result<std::vector<model::Tag>> remove(const Digest& digest) override {
    auto untagged = manifests_.remove(digest);
    if (!untagged) return untagged;
    events_.deleted(name_, digest);
    for (const model::Tag& gone : *untagged) events_.untagged(name_, gone);
    return untagged;
  }

private:
  registry::ManifestStore& manifests_;
  const RepositoryName& name_;
  RequestEvents& events_;
};

class ObservedTags final : public registry::TagStore {
public:
  ObservedTags(registry::Repository& repository, RequestEvents& events) : repository_(repository), events_(events) {}

  Result<CanonicalDigest> get(const model::Tag& tag) override { return tags().get(tag); }
  Digest client_digest(const model::Tag& tag, const CanonicalDigest& target) override {
    return tags().client_digest(tag, target);
  }
  Result<registry::Page> list(const registry::PageRequest& page) override { return tags().list(page); }
  Result<> tag(const model::Tag& tag, const CanonicalDigest& digest, const Digest& client_digest,
               registry::IfTagged if_tagged) override {
    BERTH_CHECK(tags().tag(tag, digest, client_digest, if_tagged));
    if (events_.tagged(repository_.name(), digest, tag)) return {};
    // A manifest that was there already. Clients of old are told that it was pushed again, as v2 clients do.
    const auto manifest = repository_.manifests().get(digest);
    if (manifest)
      events_.manifest(Action::push, repository_.name(), model::media_type_of(manifest->kind), client_digest.str(),
                       manifest->bytes, tag.str());
    return {};
  }
  Result<> untag(const model::Tag& tag) override {
    auto untagged = tags().untag(tag);
    if (untagged) events_.untagged(repository_.name(), tag);
    return untagged;
  }
  Result<> untag(const std::vector<model::Tag>& all) override {
    BERTH_CHECK(tags().untag(all));
    for (const model::Tag& tag : all) events_.untagged(repository_.name(), tag);
    return {};
  }

private:
  registry::TagStore& tags() { return repository_.tags(); }

  registry::Repository& repository_; // the one that is not observed
  RequestEvents& events_;
};

class ObservedRepository final : public registry::Repository {
public:
  ObservedRepository(std::unique_ptr<registry::Repository> repository, RequestEvents& events)
      : repository_(std::move(repository)),
        blobs_(repository_->blobs(), repository_->name(), events),
        manifests_(repository_->manifests(), repository_->name(), events),
        tags_(*repository_, events),
        events_(events) {}

  const RepositoryName& name() const override { return repository_->name(); }
  registry::BlobStore& blobs() override { return blobs_; }
  registry::ManifestStore& manifests() override { return manifests_; }
  registry::SignatureStore& signatures() override { return repository_->signatures(); }
  registry::TagStore& tags() override { return tags_; }
  registry::ReferrerStore& referrers() override { return repository_->referrers(); }
  Result<> remove() override {
    auto removed = repository_->remove();
    if (removed) events_.removed(name());
    return removed;
  }

private:
  const std::unique_ptr<registry::Repository> repository_;
  ObservedBlobs blobs_;
  ObservedManifests manifests_;
  ObservedTags tags_;
  RequestEvents& events_;
};

} // namespace

std::unique_ptr<registry::Repository> observed(std::unique_ptr<registry::Repository> repository,
                                               RequestEvents& events) {
  if (!repository || !events.wanted()) return repository;
  return std::make_unique<ObservedRepository>(std::move(repository), events);
}

} // namespace berth::api
