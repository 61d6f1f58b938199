#include "storage/v1/decompressor.h"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>

#include <array>
#include <utility>

#include "base/encoding.h"

namespace berth::storage {
namespace {

constexpr std::size_t longest_magic = 6;
constexpr std::size_t buffer_bytes = 128 * 1024;
constexpr std::size_t bzip2_bytes = 4 << 20;     // of its decoder, at bzip2's largest block
constexpr std::size_t usual_xz_bytes = 12 << 20; // of all presets up to xz -6
static_assert(usual_xz_bytes + Decompressor::max_kept_bytes <= Unpacking::max_small_need);
static_assert(Decompressor::max_decoder_bytes + Decompressor::max_kept_bytes <= Unpacking::max_large_need);

std::unexpected<Error> damaged(std::string what) { return fail(Code::image_invalid, std::move(what)); }

using Buffer = std::array<std::byte, buffer_bytes>;

} // namespace

// The differences between the libraries, which otherwise follow zlib.
class Decompressor::Codec {
public:
  virtual ~Codec() = default;
  // Takes input from the front of `bytes` and fills buffer; returns how much it filled. Errors: image_invalid.
  virtual Result<std::size_t> step(std::span<const std::byte>& bytes, Buffer& buffer) = 0;
  virtual bool at_end() const = 0;
  virtual void no_more_input() {}
};

namespace {

class Gzip final : public Decompressor::Codec {
public:
  Gzip() { ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }
  ~Gzip() override {
    if (ready_) inflateEnd(&stream_);
  }
  Result<std::size_t> step(std::span<const std::byte>& bytes, Buffer& buffer) override {
    if (!ready_) return fail(Code::unknown, "zlib does not start");
    if (at_end_) { // another member follows, or padding that archivers put behind the last one
      if (as_text(bytes).find_first_not_of('\0') == std::string_view::npos) {
        bytes = {};
        return 0;
      }
      if (inflateReset(&stream_) != Z_OK) return fail(Code::unknown, "zlib does not start again");
      at_end_ = false;
    }
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream_.avail_out = static_cast<uInt>(buffer.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return damaged("Invalid gzip data");
    at_end_ = result == Z_STREAM_END;
    bytes = bytes.last(stream_.avail_in);
    return buffer.size() - stream_.avail_out;
  }
  bool at_end() const override { return at_end_; }

private:
  z_stream stream_{};
  bool ready_ = false;
  bool at_end_ = false;
};

class Bzip2 final : public Decompressor::Codec {
public:
  Bzip2() { ready_ = BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK; }
  ~Bzip2() override {
    if (ready_) BZ2_bzDecompressEnd(&stream_);
  }
  Result<std::size_t> step(std::span<const std::byte>& bytes, Buffer& buffer) override {
    if (at_end_ && bytes.empty()) return 0;
    if (at_end_ && ready_) { // parallel compressors write one stream after another
      BZ2_bzDecompressEnd(&stream_);
      stream_ = {};
      ready_ = BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK;
      at_end_ = false;
    }
    if (!ready_) return fail(Code::unknown, "libbz2 does not start");
    stream_.next_in = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
    stream_.avail_in = static_cast<unsigned>(bytes.size());
    stream_.next_out = reinterpret_cast<char*>(buffer.data());
    stream_.avail_out = static_cast<unsigned>(buffer.size());
    const int result = BZ2_bzDecompress(&stream_);
    if (result != BZ_OK && result != BZ_STREAM_END) return damaged("Invalid bzip2 data");
    at_end_ = result == BZ_STREAM_END;
    bytes = bytes.last(stream_.avail_in);
    return buffer.size() - stream_.avail_out;
  }
  bool at_end() const override { return at_end_; }

private:
  bz_stream stream_{};
  bool ready_ = false;
  bool at_end_ = false;
};

class Xz final : public Decompressor::Codec {
public:
  Xz(Unpacking::Task& task, std::size_t kept_bytes) : task_(task), kept_bytes_(kept_bytes) {
    ready_ = lzma_stream_decoder(&stream_, usual_xz_bytes, LZMA_CONCATENATED) == LZMA_OK;
  }
  ~Xz() override { lzma_end(&stream_); }
  Result<std::size_t> step(std::span<const std::byte>& bytes, Buffer& buffer) override {
    if (!ready_) return fail(Code::unknown, "liblzma does not start");
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    stream_.avail_in = bytes.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(buffer.data());
    stream_.avail_out = buffer.size();
    const lzma_action action = finishing_ ? LZMA_FINISH : LZMA_RUN;
    lzma_ret result = lzma_code(&stream_, action);
    if (result == LZMA_MEMLIMIT_ERROR) { // a header asks for more; nothing of it was allocated
      BERTH_CHECK(have_more_memory());
      result = lzma_code(&stream_, action);
    }
    if (result != LZMA_OK && result != LZMA_STREAM_END && result != LZMA_BUF_ERROR) return damaged("Invalid xz data");
    at_end_ = result == LZMA_STREAM_END;
    bytes = bytes.last(stream_.avail_in);
    return buffer.size() - stream_.avail_out;
  }
  bool at_end() const override { return at_end_; }
  // Of concatenated streams only the end of the input tells that the last one is whole.
  void no_more_input() override { finishing_ = true; }

private:
  Result<> have_more_memory() {
    const std::uint64_t asked = lzma_memusage(&stream_);
    if (asked > Decompressor::max_decoder_bytes)
      return damaged("The layer needs " + std::to_string(asked) + " bytes of memory to be unpacked, and " +
                     std::to_string(Decompressor::max_decoder_bytes) + " are allowed: use xz -9 at most");
    BERTH_CHECK(task_.need(Decompressor::max_decoder_bytes + kept_bytes_));
    BERTH_CHECK(task_.go_on());
    if (lzma_memlimit_set(&stream_, Decompressor::max_decoder_bytes) == LZMA_OK) return {};
    return fail(Code::unknown, "liblzma does not take a limit");
  }

  Unpacking::Task& task_;
  const std::size_t kept_bytes_;
  bool finishing_ = false;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ready_ = false;
  bool at_end_ = false;
};

} // namespace

Compression compression_of(std::string_view beginning) {
  using namespace std::string_view_literals;
  if (beginning.starts_with("\x1f\x8b\x08"sv)) return Compression::gzip;
  if (beginning.starts_with("BZh"sv)) return Compression::bzip2;
  if (beginning.starts_with("\xfd"
                            "7zXZ\0"sv))
    return Compression::xz;
  return Compression::none;
}

Decompressor::Decompressor(Unpacking::Task& task, std::uint64_t packed_bytes, Content::Sink sink,
                           std::size_t kept_bytes)
    : task_(task),
      packed_bytes_(packed_bytes),
      max_plain_bytes_(task.all().max_plain_bytes(packed_bytes)),
      sink_(std::move(sink)),
      kept_bytes_(kept_bytes) {}

Decompressor::~Decompressor() {
  codec_.reset(); // before others get its memory
  task_.rest();
}

Result<> Decompressor::update(std::span<const std::byte> bytes) {
  if (begun_) return decode(bytes);
  beginning_ += as_text(bytes);
  return beginning_.size() < longest_magic ? Result<>() : begin();
}

Result<> Decompressor::begin() {
  begun_ = true;
  compression_ = compression_of(beginning_);
  switch (compression_) {
  case Compression::none: BERTH_CHECK(task_.need(kept_bytes_)); break;
  case Compression::gzip:
    BERTH_CHECK(task_.need(kept_bytes_));
    codec_ = std::make_unique<Gzip>();
    break;
  case Compression::bzip2:
    BERTH_CHECK(task_.need(bzip2_bytes + kept_bytes_));
    codec_ = std::make_unique<Bzip2>();
    break;
  case Compression::xz:
    BERTH_CHECK(task_.need(usual_xz_bytes + kept_bytes_));
    codec_ = std::make_unique<Xz>(task_, kept_bytes_);
    break;
  }
  const std::string beginning = std::exchange(beginning_, {});
  return decode(as_bytes(beginning));
}

Result<> Decompressor::decode(std::span<const std::byte> bytes) {
  if (!codec_) {
    BERTH_CHECK(task_.go_on());
    return emit(bytes);
  }
  Buffer buffer;
  std::size_t made = 0;
  do { // a full buffer may not have been all that there is
    BERTH_CHECK(task_.go_on());
    BERTH_TRY(made, codec_->step(bytes, buffer));
    if (made > 0) BERTH_CHECK(emit(std::span(buffer).first(made)));
  } while (!bytes.empty() || made == buffer.size());
  return {};
}

Result<> Decompressor::emit(std::span<const std::byte> bytes) {
  plain_bytes_ += bytes.size();
  if (plain_bytes_ > max_plain_bytes_) return too_large();
  return sink_(bytes);
}

Result<> Decompressor::too_large() const {
  if (max_plain_bytes_ == task_.all().limits().max_layer_bytes)
    return damaged("The layer unpacks to more than the " + std::to_string(max_plain_bytes_) +
                   " bytes of berth.v1.maxlayersize");
  return damaged("The layer unpacks to more than " + std::to_string(Unpacking::max_ratio) + " times its " +
                 std::to_string(packed_bytes_) + " bytes");
}

Result<> Decompressor::finish() {
  if (!begun_) BERTH_CHECK(begin());
  if (!codec_) return {};
  codec_->no_more_input();
  BERTH_CHECK(decode({}));
  if (!codec_->at_end()) return damaged("The layer ends too soon");
  return {};
}

} // namespace berth::storage
