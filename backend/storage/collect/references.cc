#include "storage/collect/references.h"

#include <string>

namespace berth::storage {
namespace {

constexpr std::string_view label_characters = "abcdefghijklmnopqrstuvwxyz0123456789.+";

// The digest whose colon is at a place; nothing if there is none. What surrounds it may be of the same characters.
std::optional<model::Digest> digest_around(std::string_view bytes, std::size_t colon) {
  const std::string_view before = bytes.substr(0, colon);
  const std::size_t begin = before.find_last_not_of(label_characters) + 1; // npos + 1 is 0
  for (const model::Algorithm algorithm : model::computed_algorithms) {
    const std::string_view name = model::name_of(algorithm);
    if (!before.ends_with(name)) continue;
    const std::string_view hex = bytes.substr(colon, 1 + model::hex_length_of(algorithm));
    auto labelled = model::Digest::parse_stored(std::string(before.substr(begin)).append(hex)); // it may be a tarsum
    if (!labelled) labelled = model::Digest::parse(std::string(name).append(hex));
    if (labelled) return *std::move(labelled);
  }
  return std::nullopt;
}

} // namespace

Result<References> references_of(const model::CanonicalDigest& digest, std::string_view bytes) {
  if (model::CanonicalDigest::of_bytes(bytes) != digest) return fail(Code::corrupt, "its bytes have another digest");
  BERTH_TRY(model::ManifestInfo info, model::detect_manifest(bytes));
  References references{model::is_index(info.kind), info.kind == model::ManifestKind::schema1};
  references.subject = std::move(info.subject);
  references.contents.reserve(info.contents.size());
  for (model::ContentReference& content : info.contents) references.contents.push_back(std::move(content.digest));
  // Registry 2.0 took tarsums for the digests of layers, which a manifest's own parser passes over.
  if (references.is_schema1)
    each_digest_in(bytes, [&](const model::Digest& found) {
      if (found.algorithm() == model::Algorithm::tarsum) references.contents.push_back(found);
    });
  return references;
}

void each_digest_in(std::string_view bytes, const std::function<void(const model::Digest&)>& each) {
  for (std::size_t colon = bytes.find(':'); colon != std::string_view::npos; colon = bytes.find(':', colon + 1))
    if (const auto digest = digest_around(bytes, colon)) each(*digest);
}

} // namespace berth::storage
