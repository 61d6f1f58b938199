// RepositoryName, Tag, UploadId and Reference: the names in a request's path, as types that only hold what their
// grammar allows. A name that parsed can be put into a store path as it is: no dot segments, no slashes where none
// belong. Spec: OCI distribution-spec "Pulling manifests"; docker/distribution's reference grammar.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "model/digest.h"

namespace berth::model {

// Components [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* joined by '/'; at most 255 characters in all.
class RepositoryName {
public:
  static constexpr std::size_t max_length = 255;
  static Result<RepositoryName> parse(std::string_view text); // Errors: name_invalid
  const std::string& str() const { return text_; }
  friend auto operator<=>(const RepositoryName&, const RepositoryName&) = default;

private:
  explicit RepositoryName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// [A-Za-z0-9_][A-Za-z0-9._-]{0,127}
class Tag {
public:
  static constexpr std::size_t max_length = 128;
  static Result<Tag> parse(std::string_view text); // Errors: tag_invalid
  static bool is_valid(std::string_view text);     // whether parse() takes it
  const std::string& str() const { return text_; }
  friend auto operator<=>(const Tag&, const Tag&) = default;

private:
  explicit Tag(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// [A-Za-z0-9_-][A-Za-z0-9._-]{0,127}: what docker/distribution can store, less a leading dot. berth makes UUIDs.
class UploadId {
public:
  static constexpr std::size_t max_length = 128;
  static Result<UploadId> parse(std::string_view text); // Errors: blob_upload_unknown
  const std::string& str() const { return text_; }
  friend auto operator<=>(const UploadId&, const UploadId&) = default;

private:
  explicit UploadId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// The name of a manifest: a tag, or a digest (anything with a ':').
using Reference = std::variant<Tag, Digest>;
Result<Reference> parse_reference(std::string_view text); // Errors: tag_invalid, digest_invalid

} // namespace berth::model
