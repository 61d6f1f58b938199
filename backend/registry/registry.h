// Registry and Repository: what api/ sees of the store. storage/ implements it; the two never meet elsewhere.
// Threads: Registry and its services are safe; a Repository belongs to one request.
// Errors: besides those named, io and storage_full from below.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/descriptor.h"
#include "model/manifest.h"
#include "model/names.h"
#include "registry/blobs.h"

namespace berth::registry {

// A part of an ordered list: entries after `last` (exclusive; it need not exist), `limit` of them at most.
struct PageRequest {
  std::string last;
  std::optional<std::size_t> limit; // absent: all
};

struct Page {
  std::vector<std::string> entries; // in order
  bool more = false;                // something follows the last entry
};

class ManifestStore {
public:
  virtual ~ManifestStore() = default;
  // Errors: manifest_unknown.
  virtual Result<Descriptor> stat(const Digest& digest) = 0;
  // Errors: manifest_unknown; corrupt if the stored bytes are not their digest; manifest_invalid if they are of a kind
  // that berth does not serve.
  virtual Result<model::Manifest> get(const Digest& digest) = 0;
  // Verifies that what the manifest names is in this repository (docker/distribution's rules), then stores it.
  // Errors: manifest_blob_unknown, one Error a missing blob (Error::also); manifest_invalid.
  // Durable.
  virtual Result<Descriptor> put(const model::ManifestInfo& info, std::string_view bytes) = 0;
  // Removes the revision and every tag that points to it; answers with those tags. Errors: manifest_unknown.
  virtual Result<std::vector<model::Tag>> remove(const Digest& digest) = 0;
};

class TagStore {
public:
  virtual ~TagStore() = default;
  // The manifest that the tag points to. Errors: manifest_unknown.
  virtual Result<CanonicalDigest> get(const model::Tag& tag) = 0;
  // Points the tag to a manifest of this repository. Readers see the old or the new target, never anything between.
  // Durable.
  virtual Result<> tag(const model::Tag& tag, const CanonicalDigest& digest) = 0;
  // Removes the tag; the manifest stays. Errors: manifest_unknown.
  virtual Result<> untag(const model::Tag& tag) = 0;
  // Tags in byte order. Errors: name_unknown if there is no such repository.
  virtual Result<Page> list(const PageRequest& page) = 0;
};

class Repository {
public:
  virtual ~Repository() = default;
  virtual const model::RepositoryName& name() const = 0;
  virtual BlobStore& blobs() = 0;
  virtual ManifestStore& manifests() = 0;
  virtual TagStore& tags() = 0;
};

class Registry {
public:
  virtual ~Registry() = default;
  // Makes the view of a repository, which need not exist yet. Touches nothing.
  virtual std::unique_ptr<Repository> repository(const model::RepositoryName& name) = 0;
  // Names of repositories that hold manifests, ordered as if '/' sorted before every other character.
  virtual Result<Page> repositories(const PageRequest& page) = 0;
};

} // namespace berth::registry
