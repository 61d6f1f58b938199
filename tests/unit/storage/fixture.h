// A registry over any store, with a clock that stands still, for the tests of storage/.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "cache/cached_blob_statter.h"
#include "model/digester.h"
#include "model/manifest.h"
#include "model/media_types.h"
#include "storage/paths.h"
#include "storage/registry.h"
#include "unit/any_store.h"

namespace berth::test {

class StoppedClock final : public Clock {
public:
  Time now() const override { return parse_rfc3339("2024-01-02T03:04:05Z").value(); }
};

inline model::RepositoryName name(const std::string& text) { return model::RepositoryName::parse(text).value(); }
inline model::Tag tag(const std::string& text) { return model::Tag::parse(text).value(); }
inline model::CanonicalDigest digest_of(const std::string& bytes) { return model::CanonicalDigest::of_bytes(bytes); }

struct Fixture {
  StoppedClock clock;
  SystemRandom random;
  NullLogger logger;
  AnyStore store{clock, random};
  driver::StorageDriver& driver = store.driver();
  cache::Cache cache{std::make_unique<cache::Memory>(100)};
  driver::MemoryLocks locks;
  storage::UploadStore& uploads = store.uploads();
  storage::Registry registry;

  explicit Fixture(const storage::ManifestPolicy& policy = {}, storage::ImmutableTags immutable = {})
      : registry({driver, locks, uploads, &cache, storage::ManifestRules::make(policy).value(), random, logger,
                  std::move(immutable)}) {}

  std::unique_ptr<registry::Repository> repository(const std::string& text) { return registry.repository(name(text)); }

  std::unique_ptr<registry::BlobWriter> begin(registry::Repository& repository) {
    return std::get<std::unique_ptr<registry::BlobWriter>>(repository.blobs().create(std::nullopt).value());
  }
  model::Descriptor push_blob(registry::Repository& repository, const std::string& bytes) {
    return begin(repository)->commit(Content::of(bytes), digest_of(bytes)).value();
  }
  // The names in a directory; none if it is not there.
  std::vector<std::string> names(const std::string& path) {
    return driver::names_in(driver, path).value_or(std::vector<std::string>());
  }
  std::string content(const std::string& path) { return driver.get_content(path, 1 << 20).value_or("(nothing)"); }
};

inline std::string describe(const model::Digest& digest, const std::string& more = "") {
  return R"({"mediaType":"application/x","digest":")" + digest.str() + "\"" + more + "}";
}
inline std::string image_of(const model::Digest& config, const std::string& layers = "") {
  return R"({"schemaVersion":2,"config":)" + describe(config) + R"(,"layers":[)" + layers + "]}";
}
inline std::string index_of(const std::string& children) {
  return R"({"schemaVersion":2,"manifests":[)" + children + "]}";
}

inline Result<model::Descriptor> put(registry::Repository& repository, std::string_view type,
                                     const std::string& bytes) {
  return repository.manifests().put(model::parse_manifest(type, bytes).value(), bytes);
}

} // namespace berth::test
