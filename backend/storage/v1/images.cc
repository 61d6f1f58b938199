#include "storage/v1/images.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/media_types.h"
#include "model/v1_push.h"
#include "storage/paths.h"
#include "storage/put_files.h"
#include "storage/v1/chains.h"
#include "storage/v1/layer_sums.h"

namespace berth::storage {
namespace {

using registry::MayRead;
using registry::V1Image;

constexpr std::string_view no_upload = "Cannot set this image checksum";

std::string_view media_type_of(Compression compression) {
  return compression == Compression::gzip ? model::media::docker_layer_gzip : model::media::docker_layer;
}

driver::PutFile file_of(std::string path, std::string bytes) {
  return {std::move(path), Content::of(std::move(bytes))};
}

Result<Compression> compression_of_content(const Content& content) {
  std::string beginning;
  const auto read = content.read([&](std::span<const std::byte> piece) -> Result<> {
    beginning = as_text(piece.first(std::min<std::size_t>(piece.size(), 16)));
    return fail(Code::exists); // that is enough
  });
  if (!read && !is(read.error(), Code::exists)) return std::unexpected(read.error());
  return compression_of(beginning);
}

template <class T>
bool is_absent(const Result<T>& result) {
  return !result && (is(result.error(), Code::not_found) || is(result.error(), Code::corrupt));
}

} // namespace

// A file that is too long or is no record counts as absent: pushing again mends it.
Result<V1Record> V1Images::record_at(const std::string& path) {
  const auto text = parts_.driver.get_content(path, max_v1_record_bytes);
  if (!text && is(text.error(), Code::size_invalid)) return fail(Code::corrupt, path + ": too long");
  if (!text) return std::unexpected(text.error());
  return parse_v1_record(*text);
}

// Errors: image_unknown.
Result<std::string> V1Images::json_of(const ImageId& id) {
  auto json = parts_.driver.get_content(paths::v1_json(id), model::max_v1_json_bytes);
  if (!json && (is(json.error(), Code::not_found) || is(json.error(), Code::size_invalid)))
    return fail(Code::image_unknown);
  return json;
}

// An image that was pushed and is whole. Errors: image_unknown; image_unfinished if something of it is missing.
Result<V1Image> V1Images::pushed(const ImageId& id) {
  BERTH_TRY(std::string json, json_of(id));
  const auto record = record_at(paths::v1_image(id));
  if (is_absent(record)) return fail(Code::image_unfinished);
  BERTH_CHECK(record);
  // A crash, or a collection of garbage, may have taken a part of it.
  if (model::CanonicalDigest::of_bytes(json) != record->json) return fail(Code::image_unfinished);
  const auto blob = blobs_.stat(record->layer);
  if ((!blob && is(blob.error(), Code::blob_unknown)) || (blob && blob->size != record->size))
    return fail(Code::image_unfinished);
  BERTH_CHECK(blob);
  Descriptor layer{std::string(media_type_of(record->compression)), record->size, record->layer};
  std::vector<std::string> checksums;
  for (const std::string& sum : {record->payload, record->tarsum})
    if (!sum.empty()) checksums.push_back(sum);
  return V1Image{id, record->parent, std::move(json), std::move(layer), record->diff_id, std::move(checksums)};
}

// An image made of a manifest. Errors: image_unknown if that cannot be done any more.
Result<V1Image> V1Images::made(const ImageId& id, const V1Members::Member& member) {
  const auto repository = parts_.registry.repository(member.first);
  const auto chain = v1_chain_of(*repository, member.second);
  if (!chain &&
      (is(chain.error(), Code::io) || is(chain.error(), Code::not_permitted) || is(chain.error(), Code::storage_full)))
    return std::unexpected(chain.error());
  if (!chain) return fail(Code::image_unknown);
  for (std::size_t i = 0; i < chain->images.size(); ++i) {
    const model::V1Image& image = chain->images[i];
    if (image.id != id.str()) continue;
    const auto layer = repository->blobs().stat(image.blob);
    if (!layer && is(layer.error(), Code::blob_unknown)) return fail(Code::image_unknown);
    BERTH_CHECK(layer);
    std::optional<ImageId> parent;
    if (i + 1 < chain->images.size()) {
      BERTH_TRY(parent, ImageId::parse(chain->images[i + 1].id));
    }
    Descriptor described{std::string(model::media::docker_layer_gzip), layer->size, layer->digest};
    return V1Image{id, std::move(parent), image.json, std::move(described), chain->diff_ids[i], {}};
  }
  return fail(Code::image_unknown);
}

Result<bool> V1Images::is_visible(const std::vector<V1Members::Member>& members, const MayRead& may_read) {
  if (!may_read || members.empty()) return true;
  for (const auto& [repository, manifest] : members) {
    BERTH_TRY(const bool readable, may_read(repository));
    if (readable) return true;
  }
  return false;
}

Result<V1Image> V1Images::find(const ImageId& id, const MayRead& may_read) {
  auto image = pushed(id);
  const bool is_there = image || is(image.error(), Code::image_unfinished);
  if (!is_there && !is(image.error(), Code::image_unknown)) return image;
  if (image && !may_read) return image;
  BERTH_TRY(const auto members, members_.of(id));
  if (is_there) {
    BERTH_TRY(const bool visible, is_visible(members, may_read));
    if (!visible) return fail(Code::image_unknown);
    if (image) return image;
  }
  for (const V1Members::Member& member : members) {
    if (may_read) {
      BERTH_TRY(const bool readable, may_read(member.first));
      if (!readable) continue;
    }
    auto found = made(id, member);
    if (found || !is(found.error(), Code::image_unknown)) return found;
  }
  return image; // unfinished, or unknown
}

Result<std::optional<model::RepositoryName>> V1Images::repository_of(const ImageId& id, const MayRead& may_read) {
  BERTH_TRY(const auto members, members_.of(id));
  for (const auto& [repository, manifest] : members) {
    BERTH_TRY(const bool readable, may_read ? may_read(repository) : Result<bool>(true));
    if (readable) return std::optional(repository);
  }
  return std::optional<model::RepositoryName>();
}

Result<std::vector<ImageId>> V1Images::ancestry(const ImageId& id, const MayRead& may_read) {
  std::vector<ImageId> ids{id};
  for (;;) {
    BERTH_TRY(const V1Image image, find(ids.back(), may_read));
    if (!image.parent) return ids;
    if (ids.size() == model::max_v1_chain) return fail(Code::image_invalid, "The image has too many ancestors");
    ids.push_back(*image.parent);
  }
}

Result<Location> V1Images::locate(const V1Image& image) { return blobs_.locate({image.layer}); }

Result<> V1Images::read_layer(const V1Image& image, const Content::Sink& sink, const IsGone& is_gone) {
  static_assert(max_kept_bytes <= Decompressor::max_kept_bytes);
  BERTH_TRY(const auto task, parts_.unpacking.begin(is_gone));
  BERTH_TRY(const Content blob, blobs_.open(image.layer.digest));
  Decompressor decompressor(*task, blob.size(), sink, max_kept_bytes);
  BERTH_CHECK(blob.read([&](std::span<const std::byte> piece) { return decompressor.update(piece); }));
  return decompressor.finish();
}

Result<bool> V1Images::is_finished(const ImageId& id) {
  const auto image = find(id, nullptr);
  if (image) return true;
  if (is(image.error(), Code::image_unknown) || is(image.error(), Code::image_unfinished)) return false;
  return std::unexpected(image.error());
}

// Whether there is anything of an image: enough for one that builds on it to be pushed.
Result<bool> V1Images::is_known(const ImageId& id) {
  const auto image = find(id, nullptr);
  if (image || is(image.error(), Code::image_unfinished)) return true;
  if (is(image.error(), Code::image_unknown)) return false;
  return std::unexpected(image.error());
}

Result<> V1Images::put_json(const ImageId& id, std::string_view json) {
  if (json.size() > model::max_v1_json_bytes) return fail(Code::image_invalid, "Invalid JSON");
  BERTH_TRY(const model::V1Json image, model::parse_v1_json(json));
  if (image.id != id) return fail(Code::image_invalid, "JSON data contains invalid id");
  if (image.parent) {
    BERTH_TRY(const bool known, is_known(*image.parent));
    if (!known) return fail(Code::image_invalid, "Image depends on a non existing parent");
  }
  BERTH_TRY(const auto lock, parts_.locks.exclusive(paths::v1_lock(id)));
  BERTH_TRY(const bool finished, is_finished(id));
  if (finished) return fail(Code::image_exists);
  return parts_.driver.put(in_order(file_of(paths::v1_json(id), std::string(json))));
}

// Errors: image_exists; image_unknown without a JSON.
Result<std::string> V1Images::json_of_unfinished(const ImageId& id) {
  BERTH_TRY(const bool finished, is_finished(id));
  if (finished) return fail(Code::image_exists);
  return json_of(id);
}

Result<> V1Images::takes_layer(const ImageId& id) {
  BERTH_CHECK(json_of_unfinished(id));
  return {};
}

Result<> V1Images::put_layer(const ImageId& id, Content layer, const IsGone& is_gone) {
  std::optional<ImageId> parent;
  model::Sha256 json;
  {
    BERTH_TRY(const std::string text, json_of_unfinished(id)); // which may be large, and the layer may wait
    BERTH_TRY(const model::V1Json image, model::parse_v1_json(text));
    parent = image.parent;
    json.update(as_bytes(text));
  }
  BERTH_TRY(const auto task, parts_.unpacking.begin(is_gone));
  BERTH_TRY(const LayerSums sums, sum_layer(*task, json, layer));
  const V1Record record{json.digest(), parent,           sums.digest,        sums.size,
                        sums.diff_id,  sums.compression, sums.payload.str(), sums.tarsum};
  BERTH_TRY(driver::PutFile blob, blobs_.file(std::move(layer), sums.digest));
  return parts_.driver.put(in_order(std::move(blob), file_of(paths::v1_upload(id, sums.payload), to_text(record))));
}

// The layers that came for the JSON that is there now. Two clients may push one image at once, packed differently.
Result<std::vector<V1Record>> V1Images::uploads_of(const ImageId& id, const CanonicalDigest& json) {
  std::vector<V1Record> records;
  const auto names = driver::names_in(parts_.driver, paths::v1_uploads(id));
  if (!names && is(names.error(), Code::not_found)) return records;
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    auto record = record_at(paths::v1_uploads(id) + "/" + name);
    if (is_absent(record)) continue;
    BERTH_CHECK(record);
    if (record->json == json) records.push_back(*std::move(record));
  }
  return records;
}

Result<> V1Images::put_checksum(const ImageId& id, const registry::V1Checksums& checksums) {
  if (checksums.payload.empty() && checksums.tarsum.empty())
    return fail(Code::image_invalid, "Missing Image's checksum");
  // The payload decides: what it is made of is beyond doubt. Docker's releases do not agree on every tarsum.
  const auto fits = [&](std::string_view payload, std::string_view tarsum) {
    return checksums.payload.empty() ? tarsum == checksums.tarsum : payload == checksums.payload;
  };
  BERTH_TRY(const auto lock, parts_.locks.exclusive(paths::v1_lock(id)));
  const auto finished = find(id, nullptr);
  if (finished) {
    const bool same = std::ranges::any_of(finished->checksums, [&](const auto& sum) { return fits(sum, sum); });
    if (!same) return fail(Code::image_exists, std::string(no_upload));
    return {};
  }
  if (!is(finished.error(), Code::image_unfinished)) return std::unexpected(finished.error());
  BERTH_TRY(const std::string json, json_of(id));
  BERTH_TRY(const auto records, uploads_of(id, model::CanonicalDigest::of_bytes(json)));
  if (records.empty()) return fail(Code::image_exists, std::string(no_upload));
  const auto record = std::ranges::find_if(records, [&](const V1Record& one) { return fits(one.payload, one.tarsum); });
  if (record == records.end()) return fail(Code::image_invalid, "Checksum mismatch, ignoring the layer");
  if (!checksums.tarsum.empty() && record->tarsum != checksums.tarsum)
    parts_.logger.warn("a v1 client's tarsum is not ours; its payload checksum is right",
                       {{"image", id.str()}, {"theirs", checksums.tarsum}, {"ours", record->tarsum}});
  BERTH_CHECK(parts_.driver.put(in_order(file_of(paths::v1_image(id), to_text(*record)))));
  // It is finished: what remains can wait, should this fail.
  static_cast<void>(parts_.driver.remove(paths::v1_uploads(id), driver::Durability::scratch));
  return {};
}

Result<model::Digest> V1Images::keep(const V1Image& image, Unpacking::Task& task) {
  if (const auto there = pushed(image.id); there && there->diff_id) return *there->diff_id;
  std::optional<model::Digest> diff_id = image.diff_id;
  BERTH_TRY(const Content layer, blobs_.open(image.layer.digest));
  BERTH_TRY(const Compression compression, compression_of_content(layer));
  if (!diff_id) { // before the lock: this may take long
    BERTH_TRY(const LayerSums sums, sum_layer(task, {}, layer));
    diff_id = sums.diff_id;
  }
  BERTH_TRY(const auto lock, parts_.locks.exclusive(paths::v1_lock(image.id)));
  if (const auto there = pushed(image.id); there && there->diff_id) return *there->diff_id;
  const V1Record record{model::CanonicalDigest::of_bytes(image.json),
                        image.parent,
                        image.layer.digest,
                        image.layer.size,
                        *diff_id,
                        compression,
                        {},
                        {}};
  BERTH_CHECK(parts_.driver.put(
      in_order(file_of(paths::v1_json(image.id), image.json), file_of(paths::v1_image(image.id), to_text(record)))));
  return *std::move(diff_id);
}

} // namespace berth::storage
