#include "storage/collect/mark_images.h"

#include <set>

#include "storage/collect/mark_repository.h"
#include "storage/enumerate/contents.h"
#include "storage/paths.h"
#include "storage/v1/record.h"

namespace berth::storage {
namespace {

using model::ImageId;

constexpr std::size_t max_record_bytes = 64 << 10;

class ImagesMark {
public:
  ImagesMark(driver::StorageDriver& driver, const MarkOptions& options, LiveSet& live, MarkListener& listener)
      : driver_(driver), options_(options), live_(live), listener_(listener) {}

  // Keeps an image and those that it builds on.
  void keep_chain(ImageId id) {
    while (kept_.insert(id).second) {
      const std::optional<V1Record> record = keep_record(paths::v1_image(id));
      if (!record || !record->parent) return;
      id = *record->parent;
    }
  }

  // Keeps what is being pushed, and, if a record could not be read that has to be kept, all there is.
  Result<> keep_young() {
    return each_v1_image(driver_, [this](const ImageId& id) -> Result<> {
      const std::string image = paths::v1_image(id);
      const bool is_new = has_young(image);
      if (is_new) keep_chain(id);
      bool comes = false;
      BERTH_CHECK(each_v1_upload(driver_, id, [&](const std::string& path) -> Result<> {
        if (!has_young(path)) return {};
        comes = true;
        keep_record(path);
        return {};
      }));
      if (comes) keep_chain(id); // an earlier push of it, until this one replaces it
      return {};
    });
  }

  Result<> keep_all() {
    return each_v1_image(driver_, [this](const ImageId& id) -> Result<> {
      keep_chain(id);
      return {};
    });
  }

  bool lost_one() const { return lost_one_; }

private:
  bool has_young(const std::string& path) {
    const auto info = driver_.stat(path);
    return info && is_young(options_, info->changed, options_.grace);
  }

  // Nothing if there is none, or it cannot be read.
  std::optional<V1Record> keep_record(const std::string& path) {
    const auto text = driver_.get_content(path, max_record_bytes);
    if (!text && is(text.error(), Code::not_found)) return std::nullopt; // of an image that v2 clients pushed
    auto record = text ? parse_v1_record(*text) : std::unexpected(text.error());
    if (!record) {
      listener_.odd(path, record.error().message);
      lost_one_ = true;
      return std::nullopt;
    }
    live_.add(record->layer);
    return *std::move(record);
  }

  driver::StorageDriver& driver_;
  const MarkOptions& options_;
  LiveSet& live_;
  MarkListener& listener_;
  std::set<ImageId> kept_;
  bool lost_one_ = false;
};

} // namespace

Result<> mark_images(driver::StorageDriver& driver, const MarkOptions& options, std::vector<ImageId> pushed,
                     LiveSet& live, MarkListener& listener) {
  ImagesMark images(driver, options, live, listener);
  for (ImageId& id : pushed) images.keep_chain(std::move(id));
  if (options.grace.count() > 0) BERTH_CHECK(images.keep_young());
  if (images.lost_one()) BERTH_CHECK(images.keep_all()); // it might have led to any
  return {};
}

} // namespace berth::storage
