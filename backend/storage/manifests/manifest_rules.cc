#include "storage/manifests/manifest_rules.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "model/media_types.h"

namespace berth::storage {
namespace {

using model::ContentReference;
using model::ManifestKind;

constexpr std::string_view oci_layer = "application/vnd.oci.image.layer.v1.tar";
constexpr std::string_view oci_nondistributable = "application/vnd.oci.image.layer.nondistributable.v1.tar";

// Layers that are fetched from their URLs: whether they need not, or may also, be in the repository.
bool is_foreign(ManifestKind kind, const ContentReference& content) {
  if (kind == ManifestKind::docker_manifest) return content.media_type == model::media::docker_foreign_layer;
  return content.media_type.starts_with(oci_nondistributable) && !content.urls.empty();
}

bool has_checked_urls(ManifestKind kind, const ContentReference& content) {
  return is_foreign(kind, content) ||
         (kind == ManifestKind::oci_manifest && content.media_type.starts_with(oci_layer) && !content.urls.empty());
}

std::unexpected<Error> invalid(std::string detail) { return fail(Code::manifest_invalid, {}, std::move(detail)); }

bool matches_any(const std::vector<std::unique_ptr<RE2>>& patterns, const std::string& text) {
  return std::ranges::any_of(patterns, [&](const auto& pattern) { return RE2::PartialMatch(text, *pattern); });
}

Result<std::vector<std::unique_ptr<RE2>>> compile(const std::vector<std::string>& patterns) {
  std::vector<std::unique_ptr<RE2>> compiled;
  for (const std::string& pattern : patterns) {
    compiled.push_back(std::make_unique<RE2>(pattern, RE2::Quiet));
    if (!compiled.back()->ok()) return fail(Code::invalid, "\"" + pattern + "\": " + compiled.back()->error());
  }
  return compiled;
}

} // namespace

struct ManifestRules::Patterns {
  std::vector<std::unique_ptr<RE2>> allow;
  std::vector<std::unique_ptr<RE2>> deny;
};

Result<ManifestRules> ManifestRules::make(const ManifestPolicy& policy) {
  auto patterns = std::make_shared<Patterns>();
  BERTH_TRY(patterns->allow, compile(policy.url_allow));
  BERTH_TRY(patterns->deny, compile(policy.url_deny));
  ManifestRules rules;
  rules.policy_ = policy;
  rules.patterns_ = std::move(patterns);
  return rules;
}

bool ManifestRules::allows(const std::string& url) const {
  if (!(url.starts_with("http://") || url.starts_with("https://")) || url.find('#') != std::string::npos) return false;
  if (policy_.disabled) return true;
  if (patterns_->allow.empty() && patterns_->deny.empty()) return false;
  return (patterns_->allow.empty() || matches_any(patterns_->allow, url)) && !matches_any(patterns_->deny, url);
}

bool ManifestRules::must_exist(const model::ManifestInfo& manifest, const ContentReference& content) const {
  if (!model::is_index(manifest.kind)) {
    const bool is_layer = manifest.kind != ManifestKind::schema1 && &content != &manifest.contents.front();
    return !is_layer || !policy_.sparse_images;
  }
  if (policy_.disabled || policy_.children == ManifestPolicy::Children::none) return false;
  if (policy_.children == ManifestPolicy::Children::all) return true;
  return std::ranges::find(policy_.platforms, std::pair(content.architecture, content.os)) != policy_.platforms.end();
}

// As docker/distribution 2 tells classes: by the config. Indexes have none of their own.
Result<> ManifestRules::check_class(const model::ManifestInfo& manifest) const {
  if (policy_.classes.empty() || model::is_index(manifest.kind)) return {};
  std::string_view found = "image";
  if (manifest.kind != ManifestKind::schema1) {
    const std::string_view type = manifest.contents.empty() ? "" : std::string_view(manifest.contents[0].media_type);
    const bool docker = manifest.kind == ManifestKind::docker_manifest;
    if (docker && type == model::media::docker_plugin_config)
      found = "plugin";
    else if (type != (docker ? model::media::docker_image_config : model::media::oci_image_config))
      return fail(Code::denied, "unknown manifest class for " + std::string(type));
  }
  if (std::ranges::find(policy_.classes, found) != policy_.classes.end()) return {};
  return fail(Code::denied, "registry does not allow " + std::string(found) + " manifest");
}

// The size of what the repository has under a digest; nothing: it has none.
Result<std::optional<std::uint64_t>> ManifestRules::find_size(const model::ManifestInfo& manifest,
                                                              const model::Digest& digest,
                                                              const RepositoryContents& contents) {
  const auto found = model::is_index(manifest.kind) ? contents.stat_child(digest) : contents.blobs.stat(digest);
  if (found) return std::optional(found->size);
  if (!is(found.error(), Code::blob_unknown)) return std::unexpected(found.error());
  return std::optional<std::uint64_t>();
}

Result<> ManifestRules::check(const model::ManifestInfo& manifest, const RepositoryContents& contents) const {
  BERTH_CHECK(check_class(manifest));
  std::vector<Error> missing;
  std::map<std::string_view, std::optional<std::uint64_t>> sizes; // of what was looked up
  std::set<std::string_view> reported;
  std::string wrong_size;
  for (const ContentReference& content : manifest.contents) {
    if (has_checked_urls(manifest.kind, content)) {
      if (content.urls.empty()) return invalid("missing URL on layer");
      if (!std::ranges::all_of(content.urls, [&](const std::string& url) { return allows(url); }))
        return invalid("invalid URL on layer");
    }
    if (!model::is_index(manifest.kind) && is_foreign(manifest.kind, content)) continue;
    const std::string& digest = content.digest.str();
    const auto [size, is_new] = sizes.try_emplace(digest);
    if (is_new) {
      BERTH_TRY(size->second, find_size(manifest, content.digest, contents));
    }
    if (!size->second && must_exist(manifest, content) && reported.insert(digest).second)
      missing.push_back({Code::manifest_blob_unknown, {}, digest});
    // Clients that are told another size than what comes give up. 0: none was given.
    if (size->second && content.size != 0 && static_cast<std::uint64_t>(content.size) != *size->second)
      wrong_size =
          "the size of " + digest + " is " + std::to_string(*size->second) + " and not " + std::to_string(content.size);
  }
  if (missing.empty()) return wrong_size.empty() ? Result<>() : invalid(wrong_size);
  Error first = std::move(missing.front());
  first.also.assign(std::make_move_iterator(missing.begin() + 1), std::make_move_iterator(missing.end()));
  return std::unexpected(std::move(first));
}

} // namespace berth::storage
