// Manifests. Input: the bytes of one, tried under every media type.
#include <algorithm>
#include <array>
#include <map>

#include "fuzz/oracle.h"
#include "model/manifest.h"
#include "model/media_types.h"
#include "model/referrer.h"

using namespace berth;
using namespace berth::fuzz;
using model::ManifestInfo;
using model::ManifestKind;

namespace {

constexpr std::array kinds{ManifestKind::docker_manifest, ManifestKind::docker_list, ManifestKind::oci_manifest,
                           ManifestKind::oci_index};

auto parts_of(const model::ContentReference& content) {
  return std::tie(content.media_type, content.digest, content.size, content.urls, content.os, content.architecture);
}

bool are_same(const ManifestInfo& a, const ManifestInfo& b) {
  return a.kind == b.kind && a.names_its_media_type == b.names_its_media_type && a.subject == b.subject &&
         std::ranges::equal(a.contents, b.contents, {}, parts_of, parts_of);
}

bool is_expected(const Error& error) {
  return is(error, Code::manifest_invalid) || is(error, Code::manifest_too_large) || is(error, Code::digest_invalid);
}

void check_accepted(const ManifestInfo& info, ManifestKind kind, std::string_view bytes) {
  require(info.kind == kind);
  require(is_index(kind) || !info.contents.empty()); // an image has a config
  for (const model::ContentReference& content : info.contents) {
    require(content.size >= 0);
    require(model::Digest::parse(content.digest.str()).value() == content.digest);
  }
  // What was taken is served: stored bytes are the same thing to whoever reads them later.
  const auto detected = model::detect_manifest(bytes);
  require(detected && are_same(*detected, info));
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = text_of(bytes, size);
  int accepted = 0;
  for (const ManifestKind kind : kinds) {
    const std::string type(media_type_of(kind));
    const auto info = model::parse_manifest(type, text);
    require(info.has_value() == model::parse_manifest(type + " ; charset=utf-8", text).has_value());
    if (!info) {
      require(is_expected(info.error()));
      continue;
    }
    ++accepted;
    check_accepted(*info, kind, text);
  }
  require(accepted <= 1); // nothing is two things
  for (std::string_view type : {model::media::docker_schema1, model::media::octet_stream, std::string_view()})
    require(!model::parse_manifest(type, text));
  const auto detected = model::detect_manifest(text);
  if (!detected) require(is_expected(detected.error()));
  const auto referrer = model::read_referrer(text);
  require(referrer.has_value() == detected.has_value());
  if (referrer) require(referrer->has_value() == detected->subject.has_value());
  if (referrer && *referrer) require((*referrer)->subject == *detected->subject && (*referrer)->size == size);
  return 0;
}
