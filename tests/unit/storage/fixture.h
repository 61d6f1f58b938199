// A registry over the memory driver, with a clock that stands still, for the tests of storage/.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "cache/cached_blob_statter.h"
#include "driver/memory.h"
#include "model/digester.h"
#include "model/manifest.h"
#include "model/media_types.h"
#include "storage/paths.h"
#include "storage/registry.h"
#include "storage/uploads/file_uploads.h"

namespace berth::test {

class StoppedClock final : public Clock {
public:
  Time now() const override { return parse_rfc3339("2024-01-02T03:04:05Z").value(); }
};

inline model::RepositoryName name(const std::string& text) { return model::RepositoryName::parse(text).value(); }
inline model::Tag tag(const std::string& text) { return model::Tag::parse(text).value(); }
inline model::CanonicalDigest digest_of(const std::string& bytes) { return model::CanonicalDigest::of_bytes(bytes); }

struct Fixture {
  driver::Memory driver;
  cache::Cache cache{std::make_unique<cache::Memory>(100)};
  StoppedClock clock;
  SystemRandom random;
  NullLogger logger;
  driver::MemoryLocks locks;
  storage::FileUploads uploads{driver, clock, random};
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
