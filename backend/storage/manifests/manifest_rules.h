// ManifestRules: what a manifest may name: blobs and manifests of its own repository, and layers elsewhere whose URLs
// the operator allows. The checks of docker/distribution that look at the store; model/manifest.h has those that look
// at the document. Threads: safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/manifest.h"
#include "registry/blobs.h"

namespace berth::storage {

// validation.* and policy.* of config.yml, and berth.sparseimages.
struct ManifestPolicy {
  bool disabled = false;              // neither URL patterns nor the completeness of indexes are checked
  std::vector<std::string> url_allow; // RE2 patterns, OR-ed; neither allow nor deny: every URL is refused
  std::vector<std::string> url_deny;
  enum class Children { all, none, listed } children = Children::all; // which children of an index must exist
  std::vector<std::pair<std::string, std::string>> platforms;         // architecture and os, for `listed`
  bool sparse_images = false;            // an image's layers need not be in the repository; its config must
  std::vector<std::string> classes = {}; // image, plugin: what manifests may be of; empty: anything
};

class ManifestRules {
public:
  // Errors: invalid for a pattern that does not compile.
  static Result<ManifestRules> make(const ManifestPolicy& policy);

  // The contents of a repository that manifests are checked against.
  struct RepositoryContents {
    registry::BlobStatter& blobs;
    std::function<Result<model::Descriptor>(const model::Digest&)> stat_child; // of an index; errors: blob_unknown
  };
  // A blob or child that the repository has must also have the size that the manifest gives, whether it is required or
  // not.
  // Errors: manifest_blob_unknown, one Error a missing blob; manifest_invalid for a wrong size, or a URL that is not
  // allowed; denied for a class that is not.
  Result<> check(const model::ManifestInfo& manifest, const RepositoryContents& contents) const;

private:
  struct Patterns; // compiled
  bool allows(const std::string& url) const;
  Result<> check_class(const model::ManifestInfo& manifest) const;
  bool must_exist(const model::ManifestInfo& manifest, const model::ContentReference& content) const;
  static Result<std::optional<std::uint64_t>>
  find_size(const model::ManifestInfo& manifest, const model::Digest& digest, const RepositoryContents& contents);

  ManifestPolicy policy_;
  std::shared_ptr<const Patterns> patterns_;
};

} // namespace berth::storage
