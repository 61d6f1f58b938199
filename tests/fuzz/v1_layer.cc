// Layers of v1 clients: packed in whatever way, and what is in the tar. Input: the bytes of a layer. What comes of them
// does not depend on the pieces in which they come.
#include <algorithm>

#include "base/encoding.h"
#include "fuzz/oracle.h"
#include "model/tarsum.h"
#include "storage/v1/decompressor.h"
#include "storage/v1/layer_sums.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

struct Entries final : model::TarVisitor {
  Result<> begin(const model::TarEntry& entry) override {
    require(left == 0); // the one before came whole
    require(entry.size >= 0);
    const bool has_data = entry.type < '1' || entry.type > '6';
    left = has_data ? static_cast<std::uint64_t>(entry.size) : 0;
    text += entry.name + '\0' + entry.type + std::to_string(entry.size) + '\0' + entry.link + '\0';
    return {};
  }
  Result<> data(std::span<const std::byte> bytes) override {
    require(!bytes.empty() && bytes.size() <= left);
    left -= bytes.size();
    text += as_text(bytes);
    return {};
  }
  std::uint64_t left = 0;
  std::string text;
};

std::string entries_of(std::string_view tar, std::size_t piece) {
  Entries entries;
  model::TarReader reader(entries);
  Result<> read;
  for (; !tar.empty() && read; tar.remove_prefix(std::min(piece, tar.size())))
    read = reader.update(as_bytes(tar.substr(0, piece)));
  if (read) read = reader.finish();
  return read ? entries.text : "error";
}

// Nothing: the layer is damaged.
std::optional<std::string> plain_of(std::string_view layer, std::size_t piece) {
  constexpr std::size_t enough = 1 << 22; // of a bomb
  std::string plain;
  storage::Unpacking unpacking({});
  const auto task = unpacking.begin(nullptr).value();
  storage::Decompressor decompressor(*task, layer.size(), [&](std::span<const std::byte> bytes) -> Result<> {
    if (plain.size() > enough) return fail(Code::image_invalid);
    plain += as_text(bytes);
    return {};
  });
  for (; !layer.empty(); layer.remove_prefix(std::min(piece, layer.size())))
    if (!decompressor.update(as_bytes(layer.substr(0, piece)))) return std::nullopt;
  if (!decompressor.finish()) return std::nullopt;
  return plain;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view layer = text_of(bytes, size);
  const auto plain = plain_of(layer, layer.size() + 1);
  require(plain == plain_of(layer, 1));
  if (storage::compression_of(layer.substr(0, 6)) == storage::Compression::none) require(plain == layer);
  for (const std::string_view tar : {layer, plain ? std::string_view(*plain) : std::string_view()}) {
    const std::string whole = entries_of(tar, tar.size() + 1);
    require(whole == entries_of(tar, 1) && whole == entries_of(tar, 511));
  }
  storage::Unpacking unpacking({});
  const auto task = unpacking.begin(nullptr).value();
  const auto sums = storage::sum_layer(*task, {}, Content::of(std::string(layer)));
  if (!plain) return 0;
  require(sums.has_value());
  require(sums->diff_id == model::CanonicalDigest::of_bytes(*plain));
  require(sums->tarsum.empty() == (entries_of(*plain, 4096) == "error"));
  return 0;
}
