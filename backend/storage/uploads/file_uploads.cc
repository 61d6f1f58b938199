#include "storage/uploads/file_uploads.h"

#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <ranges>
#include <set>

#include "model/media_types.h"
#include "storage/enumerate/contents.h"
#include "storage/paths.h"
#include "storage/uploads/outcomes.h"

namespace berth::storage {
namespace {

using model::RepositoryName;
using model::Sha256;
using model::UploadId;

// An upload of up to so many bytes has no hash state: to read and hash them once more costs less than to make one, and
// to remove it again.
constexpr std::uint64_t max_stateless_bytes = 256 * 1024;
// So many states are looked at when a writer has died, from the last one backwards.
constexpr std::size_t max_states = 16;

// The files of an upload, in the order in which they are removed: without startedat there is no upload.
constexpr std::array<std::string_view, 2> upload_files{"startedat", "data"};

// How far an upload has come: its length, and the hash of that much of it if a state was found.
struct Progress {
  std::uint64_t size = 0;
  std::optional<Sha256> hash;
  bool has_rubbish = false; // data is longer: a writer died in the middle of appending
};

std::optional<Sha256> read_state(driver::StorageDriver& driver, const std::string& path, std::uint64_t offset) {
  const auto saved = driver.get_content(path, Sha256::state_bytes);
  if (!saved) return std::nullopt;
  auto hash = Sha256::restore(*saved);
  if (!hash || hash->length() != offset) return std::nullopt;
  return std::move(*hash);
}

std::optional<std::uint64_t> parse_offset(std::string_view name) {
  std::uint64_t offset = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), offset);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return offset;
}

// Hashes content once, and says at which of the offsets (in ascending order) the hash is the one that was saved.
Result<std::optional<Sha256>> last_true(const Content& content, const std::map<std::uint64_t, Sha256>& saved) {
  std::optional<Sha256> found;
  Sha256 hash;
  auto next = saved.begin();
  const auto read = content.read([&](std::span<const std::byte> piece) -> Result<> {
    for (; next != saved.end() && next->first - hash.length() <= piece.size(); ++next) {
      const std::size_t size = next->first - hash.length();
      hash.update(piece.first(size));
      piece = piece.subspan(size);
      if (hash.save() == next->second.save()) found = hash;
    }
    if (next == saved.end()) return fail(Code::exists); // enough was read
    hash.update(piece);
    return {};
  });
  if (!read && !is(read.error(), Code::exists)) return std::unexpected(read.error());
  return found;
}

// The state with the greatest offset that is within the data, and true: docker-registry that goes on with an upload for
// which it finds no state leaves one of its own piece alone, under that piece's length.
Result<Progress> last_state(driver::StorageDriver& driver, const RepositoryName& repository, const UploadId& id,
                            std::uint64_t data_size) {
  const auto names = driver::names_in(driver, paths::upload_hash_states(repository, id));
  std::set<std::uint64_t> offsets;
  if (names)
    for (const std::string& name : *names)
      if (const auto at = parse_offset(name); at && *at > 0 && *at <= data_size) offsets.insert(*at);
  std::map<std::uint64_t, Sha256> saved;
  for (const std::uint64_t offset : offsets | std::views::reverse | std::views::take(max_states))
    if (auto hash = read_state(driver, paths::upload_hash_state(repository, id, offset), offset))
      saved.emplace(offset, *std::move(hash));
  if (saved.empty()) return Progress{data_size, std::nullopt, false};
  BERTH_TRY(const Content data, driver.open(paths::upload_data(repository, id)));
  BERTH_TRY(auto found, last_true(data, saved));
  if (!found) return Progress{data_size, std::nullopt, false};
  const std::uint64_t size = found->length();
  return Progress{size, std::move(found), size < data_size};
}

Result<Progress> progress_of(driver::StorageDriver& driver, const RepositoryName& repository, const UploadId& id) {
  const auto data = driver.stat(paths::upload_data(repository, id));
  if (!data && !is(data.error(), Code::not_found)) return std::unexpected(data.error());
  if (!data || data->size == 0) return Progress{0, Sha256(), false};
  if (data->size <= max_stateless_bytes) return Progress{data->size, std::nullopt, false};
  if (auto hash = read_state(driver, paths::upload_hash_state(repository, id, data->size), data->size))
    return Progress{data->size, std::move(hash), false};
  return last_state(driver, repository, id, data->size);
}

} // namespace

class FileUploads::Writer final : public registry::BlobWriter {
public:
  Writer(FileUploads& store, RepositoryName repository, UploadId id, std::unique_ptr<driver::Lock> lock,
         Progress progress, Publish publish)
      : store_(store),
        repository_(std::move(repository)),
        id_(std::move(id)),
        lock_(std::move(lock)),
        progress_(std::move(progress)),
        publish_(std::move(publish)) {}

  const UploadId& id() const override { return id_; }
  registry::UploadProgress progress() const override { return {progress_.size, {}}; }
  Result<> append(Content content, registry::Comes) override;
  Result<Descriptor> commit(Content rest, const Digest& digest) override;
  Result<> cancel() override;

private:
  Result<Content> data();
  Result<> save_state();
  Result<Sha256> hash_of(const Content& acknowledged);
  Result<Sha256> hashed_with(const Content& content);

  FileUploads& store_;
  RepositoryName repository_;
  UploadId id_;
  std::unique_ptr<driver::Lock> lock_;
  Progress progress_;
  Publish publish_;
};

class FileUploads::OfRepository final : public Uploads {
public:
  OfRepository(FileUploads& store, RepositoryName repository) : store_(store), repository_(std::move(repository)) {}

  Result<std::unique_ptr<registry::BlobWriter>> create(Publish publish) override {
    BERTH_TRY(UploadId id, UploadId::parse(uuid4(store_.random_)));
    // The upload may be lost, but not the repository's directory: what is linked in it later must be found.
    BERTH_CHECK(store_.driver_.make_directory(paths::uploads(repository_)));
    const std::string started_at = paths::upload_started_at(repository_, id);
    BERTH_TRY(auto lock, store_.driver_.make_locked(started_at, to_rfc3339(store_.clock_.now())));
    return std::make_unique<Writer>(store_, repository_, std::move(id), std::move(lock), Progress{0, Sha256(), false},
                                    std::move(publish));
  }

  Result<std::unique_ptr<registry::BlobWriter>> resume(const UploadId& id, const std::string&,
                                                       Publish publish) override {
    BERTH_TRY(auto lock, of_upload(store_.driver_.lock(paths::upload_started_at(repository_, id))));
    BERTH_TRY(Progress progress, progress_of(store_.driver_, repository_, id));
    return std::make_unique<Writer>(store_, repository_, id, std::move(lock), std::move(progress), std::move(publish));
  }

  Result<registry::UploadProgress> progress(const UploadId& id, const std::string&) override {
    BERTH_CHECK(of_upload(store_.driver_.stat(paths::upload_started_at(repository_, id))));
    BERTH_TRY(const Progress progress, progress_of(store_.driver_, repository_, id));
    return registry::UploadProgress{progress.size, {}};
  }

  Result<> remove_idle() override {
    return each_upload(store_.driver_, paths::repository(repository_), [this](const std::string& path) -> Result<> {
      const auto lock = store_.driver_.lock(path + "/startedat");
      if (!lock && (is(lock.error(), Code::busy) || is(lock.error(), Code::not_found))) return {}; // the purge has it
      if (!lock) return std::unexpected(lock.error());
      const auto removed = store_.driver_.remove(path, driver::Durability::scratch);
      return removed || is(removed.error(), Code::not_found) ? Result<>() : removed;
    });
  }

private:
  FileUploads& store_;
  RepositoryName repository_;
};

std::unique_ptr<Uploads> FileUploads::of(const RepositoryName& repository) {
  return std::make_unique<OfRepository>(*this, repository);
}

Result<Content> FileUploads::Writer::data() {
  return of_upload(store_.driver_.open(paths::upload_data(repository_, id_)));
}

// The hash of what is acknowledged; reads it again if there was no state.
Result<Sha256> FileUploads::Writer::hash_of(const Content& acknowledged) {
  if (!progress_.hash) {
    BERTH_TRY(progress_.hash, store_.hashes().hash(acknowledged, Sha256()));
  }
  return *progress_.hash;
}

Result<Sha256> FileUploads::Writer::hashed_with(const Content& content) {
  if (!progress_.hash) {
    BERTH_TRY(const Content acknowledged, data());
    BERTH_CHECK(hash_of(acknowledged));
  }
  // The disk writes while the processor hashes.
  if (content.size() > max_stateless_bytes) content.start_writeback();
  return store_.hashes().hash(content, *progress_.hash);
}

// From now on the bytes count. Requires: data is durable.
Result<> FileUploads::Writer::save_state() {
  return store_.driver_.put_scratch(paths::upload_hash_state(repository_, id_, progress_.size), progress_.hash->save());
}

Result<> FileUploads::Writer::append(Content content, registry::Comes) {
  if (content.empty() && !progress_.has_rubbish) return {};
  const std::string path = paths::upload_data(repository_, id_);
  const std::uint64_t size = progress_.size + content.size();
  if (size <= max_stateless_bytes) {
    BERTH_CHECK(store_.driver_.append(path, progress_.size, content));
    progress_ = {size, std::nullopt, false};
    return {};
  }
  BERTH_TRY(Sha256 hash, hashed_with(content));
  if (progress_.size > 0 && progress_.size <= max_stateless_bytes) {
    // From here on states say what counts: the first one is of what did without.
    BERTH_CHECK(store_.driver_.append(path, progress_.size, Content()));
    BERTH_CHECK(save_state());
  }
  BERTH_CHECK(store_.driver_.append(path, progress_.size, content));
  progress_ = {size, std::move(hash), false};
  return save_state();
}

Result<Descriptor> FileUploads::Writer::commit(Content rest, const Digest& digest) {
  std::optional<Sha256> hash;
  if (progress_.size == 0) { // all there is came with the last request: it goes straight to its place
    BERTH_TRY(hash, hashed_with(rest));
  } else {
    BERTH_CHECK(append(std::move(rest), registry::Comes::whole));
    BERTH_TRY(rest, data());
    BERTH_TRY(hash, hash_of(rest));
  }
  Descriptor descriptor{std::string(model::media::octet_stream), rest.size(), hash->digest()};
  BERTH_TRY(const bool is_right, is_digest_of(rest, digest, descriptor.digest));
  if (!is_right) {
    BERTH_CHECK(cancel());
    return wrong_digest(digest);
  }
  BERTH_CHECK(of_upload(publish_(digest, descriptor, std::move(rest))));
  // The blob is published: what remains of the upload can wait for the purge, should this fail.
  static_cast<void>(store_.driver_.remove_files(paths::upload(repository_, id_), upload_files));
  return descriptor;
}

Result<> FileUploads::Writer::cancel() {
  return of_upload(store_.driver_.remove_files(paths::upload(repository_, id_), upload_files));
}

} // namespace berth::storage
