// Registry and Repository: what api/ sees of the store. storage/ implements it; the two never meet elsewhere.
// Threads: Registry and its services are safe; a Repository belongs to one request.
// Errors: those named, and io and storage_full from below.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/descriptor.h"
#include "model/manifest.h"
#include "model/names.h"
#include "model/referrer.h"
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
  virtual Result<model::Manifest> get(const Digest& digest, Need need) = 0;
  Result<model::Manifest> get(const Digest& digest) { return get(digest, Need::to_read); }
  // Verifies that what the manifest names is in this repository (docker/distribution's rules), then stores it.
  // Errors: manifest_blob_unknown, one Error a missing blob (Error::also); manifest_invalid.
  // client_digest: the digest that the client gave for the bytes, if it gave one: they are found by it as well, and
  // listed by it among the referrers of their subject. Requires: it is a digest of bytes. Durable.
  virtual Result<Descriptor> put(const model::ManifestInfo& info, std::string_view bytes,
                                 const std::optional<Digest>& client_digest) = 0;
  Result<Descriptor> put(const model::ManifestInfo& info, std::string_view bytes) {
    return put(info, bytes, std::nullopt);
  }
  // Removes the manifest under all its digests, every tag that points to it, and its place among the referrers of its
  // subject. What refers to it stays. Answers with those tags. Errors: manifest_unknown.
  virtual Result<std::vector<model::Tag>> remove(const Digest& digest) = 0;
};

// The signatures of schema1 manifests, each a JSON text that the store does not look into.
class SignatureStore {
public:
  virtual ~SignatureStore() = default;
  // Those of a manifest that can be read, max_schema1_signatures at most. None is no error: the garbage collection of
  // docker/distribution 2.5 and later removes them.
  virtual Result<std::vector<std::string>> get(const CanonicalDigest& manifest) = 0;
  // Adds to those that are there; what would be more than max_schema1_signatures is left out. Durable.
  virtual Result<> add(const CanonicalDigest& manifest, const std::vector<std::string>& signatures) = 0;
};

// What tagging does with a tag that points to another manifest.
enum class IfTagged { move, refuse };

class TagStore {
public:
  virtual ~TagStore() = default;
  // The manifest that the tag points to. Errors: manifest_unknown.
  virtual Result<CanonicalDigest> get(const model::Tag& tag) = 0;
  // Points the tag to a manifest of this repository. Readers see the old or the new target, never anything between.
  // client_digest: the digest by which the client knows that manifest (its canonical one, if it gave none).
  // Errors: exists, with IfTagged::refuse, if the tag points to another manifest; of two that tag at the same time one
  // sees the other's. Durable.
  virtual Result<> tag(const model::Tag& tag, const CanonicalDigest& digest, const Digest& client_digest,
                       IfTagged if_tagged) = 0;
  Result<> tag(const model::Tag& name, const CanonicalDigest& digest, const Digest& client_digest) {
    return tag(name, digest, client_digest, IfTagged::move);
  }
  Result<> tag(const model::Tag& name, const CanonicalDigest& digest) { return tag(name, digest, digest); }
  // The digest by which clients are told of what the tag points to: the one it was tagged with, as far as that is
  // known, or target itself. Requires: target is what the tag points to.
  virtual Digest client_digest(const model::Tag& tag, const CanonicalDigest& target) = 0;
  // Removes the tag; the manifest stays. Errors: manifest_unknown. Durable.
  virtual Result<> untag(const model::Tag& tag) = 0;
  // Removes many, as many as there still are of them: all are waited for once. Durable.
  virtual Result<> untag(const std::vector<model::Tag>& tags) = 0;
  // Tags in byte order. Errors: name_unknown if there is no such repository.
  virtual Result<Page> list(const PageRequest& page) = 0;
};

struct ListedReferrer {
  Digest digest; // as it was pushed
  model::Referrer what;
};

struct ReferrersRequest {
  Digest subject;
  std::string artifact_type; // only those of this type; empty: all
  std::string last;          // as in PageRequest: a digest
  std::size_t limit = 0;
};

struct ReferrersPage {
  std::vector<ListedReferrer> entries; // in the order of their digests; may be fewer than the limit before the end
  std::string last;                    // where the next page begins
  bool more = false;
};

class ReferrerStore {
public:
  virtual ~ReferrerStore() = default;
  // The manifests of this repository whose subject is this very digest, whether or not there is such a manifest.
  virtual Result<ReferrersPage> list(const ReferrersRequest& request) = 0;
};

class Repository {
public:
  virtual ~Repository() = default;
  virtual const model::RepositoryName& name() const = 0;
  virtual BlobStore& blobs() = 0;
  virtual ManifestStore& manifests() = 0;
  virtual SignatureStore& signatures() = 0;
  virtual TagStore& tags() = 0;
  virtual ReferrerStore& referrers() = 0;
  // Removes all of it: tags, manifests, links to layers, uploads that nobody is writing; repositories below its name
  // stay. Who pushes to it meanwhile does so before, or after. Errors: name_unknown if there is no such repository;
  // immutable, before anything is removed, if one of its tags is; busy, if it is pushed to all the time. Durable.
  virtual Result<> remove() = 0;
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
