#include "storage/v1/gzip_layer.h"

#include <zlib.h>

#include <string>

#include "base/encoding.h"
#include "model/digester.h"
#include "model/media_types.h"
#include "storage/v1/decompressor.h"

namespace berth::storage {
namespace {

constexpr std::size_t piece_bytes = 4 * 1024 * 1024; // what is held in memory before it goes to the upload
constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::size_t memory_bytes = piece_bytes + (1 << 20); // with zlib's own

// A gzip stream into an upload, with nothing in its header that could differ.
class GzipUpload {
public:
  explicit GzipUpload(registry::BlobWriter& writer) : writer_(writer) {
    ready_ = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~GzipUpload() {
    if (ready_) deflateEnd(&stream_);
  }
  GzipUpload(const GzipUpload&) = delete;

  Result<> write(std::span<const std::byte> bytes) { return pump(bytes, Z_NO_FLUSH); }
  Result<model::Descriptor> finish() {
    BERTH_CHECK(pump({}, Z_FINISH));
    hash_.update(as_bytes(piece_));
    BERTH_TRY(auto descriptor, writer_.commit(Content::of(std::move(piece_)), hash_.digest()));
    descriptor.media_type = model::media::docker_layer_gzip;
    return descriptor;
  }

private:
  Result<> pump(std::span<const std::byte> bytes, int flush) {
    if (!ready_) return fail(Code::unknown, "zlib does not start");
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    int result = Z_OK;
    do {
      if (piece_.empty()) piece_.reserve(piece_bytes + buffer_bytes);
      char buffer[buffer_bytes];
      stream_.next_out = reinterpret_cast<Bytef*>(buffer);
      stream_.avail_out = sizeof buffer;
      result = deflate(&stream_, flush);
      piece_.append(buffer, sizeof buffer - stream_.avail_out);
      if (piece_.size() >= piece_bytes) BERTH_CHECK(send());
    } while (stream_.avail_out == 0 || (flush == Z_FINISH && result == Z_OK));
    return {};
  }
  Result<> send() {
    hash_.update(as_bytes(piece_));
    return writer_.append(Content::of(std::exchange(piece_, {})), registry::Comes::in_chunks);
  }

  registry::BlobWriter& writer_;
  z_stream stream_{};
  bool ready_ = false;
  std::string piece_;
  model::Sha256 hash_;
};

} // namespace

Result<model::Descriptor> gzip_layer(Unpacking::Task& task, registry::BlobIngester& into, const Content& packed) {
  BERTH_TRY(auto created, into.create(std::nullopt));
  const auto& writer = std::get<std::unique_ptr<registry::BlobWriter>>(created);
  GzipUpload upload(*writer);
  Decompressor decompressor(
      task, packed.size(), [&](std::span<const std::byte> bytes) { return upload.write(bytes); }, memory_bytes);
  auto read = packed.read([&](std::span<const std::byte> piece) { return decompressor.update(piece); });
  if (read) read = decompressor.finish();
  if (!read) {
    static_cast<void>(writer->cancel()); // the purge takes it otherwise
    return std::unexpected(std::move(read).error());
  }
  return upload.finish();
}

} // namespace berth::storage
