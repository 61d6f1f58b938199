#include "storage/upload.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "model/media_types.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

using driver::Durability;
using model::RepositoryName;
using model::Sha256;
using model::UploadId;

// How far an upload has come: its length, and the hash of that much of it if a state was found.
struct Progress {
  std::uint64_t size = 0;
  std::optional<Sha256> hash;
  bool has_rubbish = false; // data is longer: a writer died in the middle of appending
};

std::unexpected<Error> unknown_upload() { return fail(Code::blob_upload_unknown); }

// Maps a missing path to an unknown upload.
template <class T>
Result<T> of_upload(Result<T> result) {
  if (!result && is(result.error(), Code::not_found)) return unknown_upload();
  return result;
}

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

// The state with the greatest offset that is within the data.
Progress last_state(driver::StorageDriver& driver, const RepositoryName& repository, const UploadId& id,
                    std::uint64_t data_size) {
  const auto names = driver.list(paths::upload_hash_states(repository, id));
  std::vector<std::uint64_t> offsets;
  if (names)
    for (const std::string& name : *names)
      if (const auto offset = parse_offset(name); offset && *offset <= data_size) offsets.push_back(*offset);
  std::ranges::sort(offsets, std::greater());
  for (const std::uint64_t offset : offsets)
    if (auto hash = read_state(driver, paths::upload_hash_state(repository, id, offset), offset))
      return {offset, hash, true};
  return {data_size, std::nullopt, false};
}

Result<Progress> progress_of(driver::StorageDriver& driver, const RepositoryName& repository, const UploadId& id) {
  const auto data = driver.stat(paths::upload_data(repository, id));
  if (!data && !is(data.error(), Code::not_found)) return std::unexpected(data.error());
  if (!data || data->size == 0) return Progress{0, Sha256(), false};
  if (auto hash = read_state(driver, paths::upload_hash_state(repository, id, data->size), data->size))
    return Progress{data->size, std::move(hash), false};
  return last_state(driver, repository, id, data->size);
}

} // namespace

class Uploads::Writer final : public registry::BlobWriter {
public:
  Writer(Parts parts, RepositoryName repository, UploadId id, std::unique_ptr<driver::Lock> lock, Progress progress,
         Publish publish)
      : parts_(parts),
        repository_(std::move(repository)),
        id_(std::move(id)),
        lock_(std::move(lock)),
        progress_(std::move(progress)),
        publish_(std::move(publish)) {}

  const UploadId& id() const override { return id_; }
  std::uint64_t size() const override { return progress_.size; }
  Result<> append(Content content) override;
  Result<Descriptor> commit(Content rest, const Digest& digest) override;
  Result<> cancel() override;

private:
  Result<Content> data();
  Result<Sha256> hash_of_data();
  Result<Sha256> hashed_with(const Content& content);
  Result<> verify(const Digest& expected, const CanonicalDigest& actual, const Content& content);

  Parts parts_;
  RepositoryName repository_;
  UploadId id_;
  std::unique_ptr<driver::Lock> lock_;
  Progress progress_;
  Publish publish_;
};

Result<std::unique_ptr<registry::BlobWriter>> Uploads::create(Publish publish) {
  BERTH_TRY(UploadId id, UploadId::parse(uuid4(parts_.random)));
  // The upload may be lost, but not the repository's directory: what is linked in it later must be found.
  BERTH_CHECK(parts_.driver.make_directory(paths::uploads(repository_)));
  const std::string started_at = paths::upload_started_at(repository_, id);
  BERTH_CHECK(parts_.driver.put_scratch(started_at, to_rfc3339(parts_.clock.now())));
  BERTH_TRY(auto lock, parts_.driver.lock(started_at));
  return std::make_unique<Writer>(parts_, repository_, std::move(id), std::move(lock), Progress{0, Sha256(), false},
                                  std::move(publish));
}

Result<std::unique_ptr<registry::BlobWriter>> Uploads::resume(const UploadId& id, Publish publish) {
  BERTH_TRY(auto lock, of_upload(parts_.driver.lock(paths::upload_started_at(repository_, id))));
  BERTH_TRY(Progress progress, progress_of(parts_.driver, repository_, id));
  return std::make_unique<Writer>(parts_, repository_, id, std::move(lock), std::move(progress), std::move(publish));
}

Result<std::uint64_t> Uploads::size(const UploadId& id) {
  BERTH_CHECK(of_upload(parts_.driver.stat(paths::upload_started_at(repository_, id))));
  BERTH_TRY(const Progress progress, progress_of(parts_.driver, repository_, id));
  return progress.size;
}

Result<Content> Uploads::Writer::data() { return of_upload(parts_.driver.open(paths::upload_data(repository_, id_))); }

// The hash of what is acknowledged; reads it again if no state was found.
Result<Sha256> Uploads::Writer::hash_of_data() {
  if (!progress_.hash) {
    Sha256 hash;
    BERTH_TRY(const Content acknowledged, data());
    BERTH_CHECK(acknowledged.read([&](std::span<const std::byte> piece) -> Result<> {
      hash.update(piece);
      return {};
    }));
    progress_.hash = hash;
  }
  return *progress_.hash;
}

Result<Sha256> Uploads::Writer::hashed_with(const Content& content) {
  BERTH_TRY(Sha256 hash, hash_of_data());
  std::uint64_t hashed = 0; // of content
  if (progress_.size == 0 && parts_.ahead != nullptr)
    if (auto ahead = parts_.ahead->take(content); ahead && ahead->length() <= content.size()) {
      hash = *ahead;
      hashed = hash.length();
    }
  content.start_writeback(); // the disk writes while the processor hashes
  BERTH_CHECK(content.read(hashed, [&](std::span<const std::byte> piece) -> Result<> {
    hash.update(piece);
    return {};
  }));
  return hash;
}

Result<> Uploads::Writer::append(Content content) {
  if (content.empty() && !progress_.has_rubbish) return {};
  BERTH_TRY(Sha256 hash, hashed_with(content));
  BERTH_CHECK(parts_.driver.append(paths::upload_data(repository_, id_), progress_.size, content));
  const std::uint64_t size = hash.length();
  // Written last: from now on the bytes count.
  BERTH_CHECK(parts_.driver.put_scratch(paths::upload_hash_state(repository_, id_, size), hash.save()));
  progress_ = {size, std::move(hash), false};
  return {};
}

// Checks the digest that the client gave for content.
Result<> Uploads::Writer::verify(const Digest& expected, const CanonicalDigest& actual, const Content& content) {
  bool matches = expected == actual;
  if (expected.algorithm() != CanonicalDigest::canonical_algorithm) {
    model::Digester digester(expected.algorithm());
    BERTH_CHECK(content.read([&](std::span<const std::byte> piece) -> Result<> {
      digester.update(piece);
      return {};
    }));
    matches = digester.finish() == expected;
  }
  if (matches) return {};
  BERTH_CHECK(cancel());
  return fail(Code::digest_invalid, {}, "the content is not " + expected.str());
}

Result<Descriptor> Uploads::Writer::commit(Content rest, const Digest& digest) {
  std::optional<Sha256> hash;
  if (progress_.size == 0) { // all there is came with the last request: it goes straight to its place
    BERTH_TRY(hash, hashed_with(rest));
  } else {
    BERTH_CHECK(append(std::move(rest)));
    BERTH_TRY(hash, hash_of_data());
    BERTH_TRY(rest, data());
  }
  const Descriptor descriptor{std::string(model::media::octet_stream), rest.size(), hash->digest()};
  BERTH_CHECK(verify(digest, descriptor.digest, rest));
  BERTH_CHECK(of_upload(publish_(digest, descriptor, std::move(rest))));
  // The blob is published: what remains of the upload can wait for the purge, should this fail.
  static_cast<void>(parts_.driver.remove(paths::upload(repository_, id_), Durability::scratch));
  return descriptor;
}

Result<> Uploads::Writer::cancel() {
  return of_upload(parts_.driver.remove(paths::upload(repository_, id_), Durability::scratch));
}

} // namespace berth::storage
