#include "storage/manifest_rules.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
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

bool ManifestRules::must_exist(const ContentReference& child) const {
  if (policy_.disabled || policy_.children == ManifestPolicy::Children::none) return false;
  if (policy_.children == ManifestPolicy::Children::all) return true;
  return std::ranges::find(policy_.platforms, std::pair(child.architecture, child.os)) != policy_.platforms.end();
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

Result<bool> ManifestRules::is_missing(const model::ManifestInfo& manifest, const ContentReference& content,
                                       const Holdings& holdings) const {
  if (model::is_index(manifest.kind)) {
    if (!must_exist(content)) return false;
    BERTH_TRY(const bool has, holdings.has_child(content.digest));
    return !has;
  }
  if (is_foreign(manifest.kind, content)) return false;
  const bool is_layer = manifest.kind != ManifestKind::schema1 && &content != &manifest.contents.front();
  if (is_layer && policy_.sparse_images) return false;
  const auto found = holdings.blobs.stat(content.digest);
  if (!found && !is(found.error(), Code::blob_unknown)) return std::unexpected(found.error());
  return !found.has_value();
}

Result<> ManifestRules::check(const model::ManifestInfo& manifest, const Holdings& holdings) const {
  BERTH_CHECK(check_class(manifest));
  std::vector<Error> missing;
  std::set<std::string_view> looked_up;
  for (const ContentReference& content : manifest.contents) {
    if (has_checked_urls(manifest.kind, content)) {
      if (content.urls.empty()) return invalid("missing URL on layer");
      if (!std::ranges::all_of(content.urls, [&](const std::string& url) { return allows(url); }))
        return invalid("invalid URL on layer");
    }
    if (!looked_up.insert(content.digest.str()).second) continue;
    BERTH_TRY(const bool is_gone, is_missing(manifest, content, holdings));
    if (is_gone) missing.push_back({Code::manifest_blob_unknown, {}, content.digest.str()});
  }
  if (missing.empty()) return {};
  Error first = std::move(missing.front());
  first.also.assign(std::make_move_iterator(missing.begin() + 1), std::make_move_iterator(missing.end()));
  return std::unexpected(std::move(first));
}

} // namespace berth::storage
