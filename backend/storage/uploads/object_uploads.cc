#include "storage/uploads/object_uploads.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "model/media_types.h"
#include "storage/paths.h"
#include "storage/put_files.h"
#include "storage/uploads/joined.h"
#include "storage/uploads/outcomes.h"
#include "storage/uploads/pieces.h"

namespace berth::storage {
namespace {

using model::RepositoryName;
using model::Sha256;
using model::UploadId;
using registry::Comes;

// What costs more to ask for than to send again.
constexpr std::uint64_t small_bytes = 1 << 20;

const std::string ended; // instead of a state

} // namespace

class ObjectUploads::OfRepository final : public Uploads {
public:
  OfRepository(ObjectUploads& store, RepositoryName repository) : store_(store), repository_(std::move(repository)) {}

  Result<std::unique_ptr<registry::BlobWriter>> create(Publish publish) override;
  Result<std::unique_ptr<registry::BlobWriter>> resume(const UploadId& id, const std::string& state,
                                                       Publish publish) override;
  Result<registry::UploadProgress> progress(const UploadId& id, const std::string& state) override;

private:
  std::string key_of(const UploadId& id) const { return repository_.str() + "/" + id.str(); }
  Result<PartState> state_of(const UploadId& id, const std::string& brought);

  ObjectUploads& store_;
  RepositoryName repository_;
};

class ObjectUploads::Writer final : public registry::BlobWriter {
public:
  Writer(ObjectUploads& store, std::string key, UploadId id, PartState state, Publish publish)
      : store_(store),
        key_(std::move(key)),
        id_(std::move(id)),
        state_(std::move(state)),
        publish_(std::move(publish)) {
    remember(state_.to_text());
  }

  const UploadId& id() const override { return id_; }
  registry::UploadProgress progress() const override { return {state_.size(), state_.to_text()}; }
  Result<> append(Content content, Comes comes) override;
  Result<Descriptor> commit(Content rest, const Digest& digest) override;
  Result<> cancel() override;

private:
  void remember(std::string state) {
    const std::size_t bytes = state.size();
    store_.known_.put(key_, std::move(state), bytes);
  }
  std::string directory() const { return paths::object_upload(id_); }
  Result<> place(Content content, const CanonicalDigest& digest);
  Result<Content> whole(Content rest, const CanonicalDigest& digest);
  Result<> drop_pieces();
  Result<Descriptor> refuse(const Digest& claimed);

  ObjectUploads& store_;
  std::string key_; // among what is known
  UploadId id_;
  PartState state_;
  Publish publish_;
};

std::unique_ptr<Uploads> ObjectUploads::of(const RepositoryName& repository) {
  return std::make_unique<OfRepository>(*this, repository);
}

Result<std::unique_ptr<registry::BlobWriter>> ObjectUploads::OfRepository::create(Publish publish) {
  BERTH_TRY(UploadId id, UploadId::parse(uuid4(store_.random_)));
  PartState state{std::chrono::floor<std::chrono::seconds>(store_.clock_.now())};
  std::string key = key_of(id);
  return std::make_unique<Writer>(store_, std::move(key), std::move(id), std::move(state), std::move(publish));
}

// The state that a client brought, or the last one that is known here.
Result<PartState> ObjectUploads::OfRepository::state_of(const UploadId& id, const std::string& brought) {
  const auto known = store_.known_.find(key_of(id));
  if (known == ended) return unknown_upload();
  auto state = PartState::parse(brought.empty() ? known.value_or("") : brought);
  if (!state) return unknown_upload(); // or one that another registry began
  return *std::move(state);
}

Result<std::unique_ptr<registry::BlobWriter>>
ObjectUploads::OfRepository::resume(const UploadId& id, const std::string& state, Publish publish) {
  BERTH_TRY(PartState found, state_of(id, state));
  return std::make_unique<Writer>(store_, key_of(id), id, std::move(found), std::move(publish));
}

Result<registry::UploadProgress> ObjectUploads::OfRepository::progress(const UploadId& id, const std::string& state) {
  BERTH_TRY(const PartState found, state_of(id, state));
  return registry::UploadProgress{found.size(), found.to_text()};
}

// Puts the bytes where the blob has its place, unless they are there.
Result<> ObjectUploads::Writer::place(Content content, const CanonicalDigest& digest) {
  driver::PutFile file{paths::blob_data(digest), std::nullopt};
  if (content.size() > small_bytes) {
    const auto there = store_.driver_.stat(file.path);
    if (!there && !is(there.error(), Code::not_found)) return std::unexpected(there.error());
    if (there && there->size == content.size()) return {};
  }
  file.content = std::move(content);
  return store_.driver_.put(in_order(std::move(file)));
}

Result<> ObjectUploads::Writer::append(Content content, Comes comes) {
  if (content.empty()) return {};
  PartState next = state_;
  BERTH_TRY(next.hash, store_.hashes().hash(content, state_.hash));
  if (state_.size() == 0 && comes == Comes::whole) {
    next.placed = {next.hash.digest(), next.size()};
    BERTH_CHECK(place(std::move(content), next.placed->digest));
  } else {
    driver::PutFile piece{directory() + "/" + next.since(state_).name(), std::move(content)};
    BERTH_CHECK(store_.driver_.put(in_order(std::move(piece))));
  }
  state_ = std::move(next);
  remember(state_.to_text());
  return {};
}

// All of the blob: the rest, or what is in the store and the rest.
Result<Content> ObjectUploads::Writer::whole(Content rest, const CanonicalDigest& digest) {
  if (state_.size() == 0) return rest;
  std::vector<Stored> stored;
  if (state_.placed) stored.push_back({paths::blob_data(state_.placed->digest), state_.placed->size});
  if (state_.has_pieces()) {
    BERTH_TRY(const auto names, of_upload(driver::names_in(store_.driver_, directory())));
    if (std::ranges::count(names, gone_name(state_.started)) != 0) return unknown_upload();
    BERTH_TRY(const auto pieces, of_upload(pieces_of(state_, names)));
    for (const Piece& piece : pieces) stored.push_back({directory() + "/" + piece.name(), piece.size()});
  }
  if (stored.size() == 1 && rest.empty()) return of_upload(open_stored(store_.driver_, stored.front()));
  return Content::from(std::make_unique<Joined>(store_.driver_, std::move(stored), std::move(rest), digest));
}

Result<> ObjectUploads::Writer::drop_pieces() {
  const auto removed = store_.driver_.remove(directory(), driver::Durability::scratch);
  if (!removed && !is(removed.error(), Code::not_found)) return removed;
  return {};
}

Result<Descriptor> ObjectUploads::Writer::refuse(const Digest& claimed) {
  if (state_.has_pieces()) BERTH_CHECK(drop_pieces());
  remember(ended);
  return wrong_digest(claimed);
}

Result<Descriptor> ObjectUploads::Writer::commit(Content rest, const Digest& digest) {
  Sha256 hash = state_.hash;
  if (!rest.empty()) {
    BERTH_TRY(hash, store_.hashes().hash(rest, state_.hash));
  }
  Descriptor descriptor{std::string(model::media::octet_stream), hash.length(), hash.digest()};
  if (CanonicalDigest::from(digest) && digest != descriptor.digest) return refuse(digest); // nothing was read yet
  BERTH_TRY(Content all, whole(std::move(rest), descriptor.digest));
  BERTH_TRY(const bool is_right, of_upload(is_digest_of(all, digest, descriptor.digest)));
  if (!is_right) return refuse(digest);
  BERTH_CHECK(of_upload(publish_(digest, descriptor, std::move(all))));
  // The blob is published: what remains of the upload can wait for the purge, should this fail.
  if (state_.has_pieces()) static_cast<void>(drop_pieces());
  remember(ended);
  return descriptor;
}

Result<> ObjectUploads::Writer::cancel() {
  BERTH_CHECK(drop_pieces());
  BERTH_CHECK(store_.driver_.put_scratch(directory() + "/" + gone_name(state_.started), {}));
  remember(ended);
  return {};
}

Result<Purged> ObjectUploads::purge(const PurgeOptions& options, const TellPurged& tell) {
  Purged purged;
  const auto ids = driver::directories_in(driver_, paths::object_uploads());
  if (!ids && is(ids.error(), Code::not_found)) return purged;
  if (!ids) return std::unexpected(ids.error());
  for (const std::string& id : *ids) {
    if (options.stop()) return purged;
    const std::string path = paths::object_uploads() + "/" + id;
    const auto entries = driver_.list(path, {}, 1); // each says when the upload began
    if (!entries || entries->empty()) continue;     // ended meanwhile
    const auto started = started_of(entries->front().name);
    if (!started || *started >= options.started_before) continue;
    auto removed = options.dry_run ? Result<>() : driver_.remove(path, driver::Durability::scratch);
    if (!removed && is(removed.error(), Code::not_found)) continue;
    removed ? ++purged.uploads : ++purged.failed;
    tell(path, removed ? nullptr : &removed.error());
  }
  return purged;
}

} // namespace berth::storage
