// ImageId: the name of an image in the v1 API. It is chosen by whoever made the image, not computed from its bytes.
// Spec: docker image-spec v1; docker 1.0 and newer insist on 64 digits.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::model {

// 64 lower-case hexadecimal digits.
class ImageId {
public:
  static constexpr std::size_t length = 64;
  static Result<ImageId> parse(std::string_view text); // Errors: image_unknown: nothing has such an id
  const std::string& str() const { return text_; }
  friend auto operator<=>(const ImageId&, const ImageId&) = default;

private:
  explicit ImageId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

} // namespace berth::model
