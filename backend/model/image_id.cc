#include "model/image_id.h"

namespace berth::model {

Result<ImageId> ImageId::parse(std::string_view text) {
  if (text.size() != length || text.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return fail(Code::image_unknown, "Invalid image ID");
  return ImageId(std::string(text));
}

} // namespace berth::model
