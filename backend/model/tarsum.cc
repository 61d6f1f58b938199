#include "model/tarsum.h"

#include <algorithm>

#include "base/encoding.h"

namespace berth::model {

void TarSum::end_entry() {
  if (entry_) sums_.emplace_back(entry_->finish().hex());
  entry_.reset();
}

Result<> TarSum::begin(const TarEntry& entry) {
  end_entry();
  if (sums_.size() == max_entries) return fail(Code::invalid, "tar: too many entries");
  const std::string header =
      "name" + entry.name + "mode" + std::to_string(entry.mode) + "uid" + std::to_string(entry.uid) + "gid" +
      std::to_string(entry.gid) + "size" + std::to_string(entry.size) + "mtime" + std::to_string(entry.mtime) +
      "typeflag" + std::string(1, entry.type) + "linkname" + entry.link + "uname" + entry.uname + "gname" +
      entry.gname + "devmajor" + std::to_string(entry.device_major) + "devminor" + std::to_string(entry.device_minor);
  entry_ = std::make_unique<Digester>(Algorithm::sha256);
  entry_->update(as_bytes(header));
  return {};
}

Result<> TarSum::data(std::span<const std::byte> bytes) {
  entry_->update(bytes);
  return {};
}

Result<std::string> TarSum::finish(std::string_view extra) {
  BERTH_CHECK(reader_.finish());
  end_entry();
  std::ranges::sort(sums_);
  Digester sum(Algorithm::sha256);
  sum.update(as_bytes(extra));
  for (const std::string& entry : sums_) sum.update(as_bytes(entry));
  return "tarsum+sha256:" + std::string(sum.finish().hex());
}

} // namespace berth::model
