#include "storage/v1/layer_sums.h"

#include "base/encoding.h"
#include "model/digester.h"
#include "model/tarsum.h"

namespace berth::storage {

Result<LayerSums> sum_layer(Unpacking::Task& task, const model::Sha256& json, const Content& layer) {
  model::Sha256 digest, plain, payload = json;
  model::TarSum tarsum(json, [&](std::size_t bytes) { return task.keep(bytes); });
  bool is_tar = true;
  payload.update(as_bytes("\n"));
  Decompressor decompressor(task, layer.size(), [&](std::span<const std::byte> bytes) -> Result<> {
    plain.update(bytes);
    if (is_tar) is_tar = tarsum.update(bytes).has_value();
    return {};
  });
  layer.start_writeback(); // the disk writes while the processor hashes
  BERTH_CHECK(layer.read([&](std::span<const std::byte> piece) -> Result<> {
    digest.update(piece);
    payload.update(piece);
    return decompressor.update(piece);
  }));
  BERTH_CHECK(decompressor.finish());
  const auto sum = is_tar ? tarsum.finish() : Result<std::string>(std::string());
  return LayerSums{digest.digest(),  payload.digest(), plain.digest(),
                   sum.value_or(""), layer.size(),     decompressor.compression()};
}

} // namespace berth::storage
