#include "model/tarsum.h"

#include <algorithm>

#include "base/encoding.h"

namespace berth::model {

namespace {

int value_of(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

} // namespace

void TarSum::end_entry() {
  if (!entry_) return;
  const CanonicalDigest digest = entry_->digest();
  Sum& sum = sums_.emplace_back();
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] = static_cast<char>(value_of(digest.hex()[2 * i]) << 4 | value_of(digest.hex()[2 * i + 1]));
  entry_.reset();
}

Result<> TarSum::begin(const TarEntry& entry) {
  end_entry();
  const bool asks = sums_.size() % entries_a_question == 0 && !sums_.empty() && may_keep_;
  if (sums_.size() == max_entries || (asks && !may_keep_(entries_a_question * sizeof(Sum))))
    return fail(Code::invalid, "tar: too many entries");
  const std::string header =
      "name" + entry.name + "mode" + std::to_string(entry.mode) + "uid" + std::to_string(entry.uid) + "gid" +
      std::to_string(entry.gid) + "size" + std::to_string(entry.size) + "mtime" + std::to_string(entry.mtime) +
      "typeflag" + std::string(1, entry.type) + "linkname" + entry.link + "uname" + entry.uname + "gname" +
      entry.gname + "devmajor" + std::to_string(entry.device_major) + "devminor" + std::to_string(entry.device_minor);
  entry_.emplace().update(as_bytes(header));
  return {};
}

Result<> TarSum::data(std::span<const std::byte> bytes) {
  entry_->update(bytes);
  return {};
}

Result<std::string> TarSum::finish() {
  BERTH_CHECK(reader_.finish());
  end_entry();
  std::ranges::sort(sums_, {}, [](const Sum& sum) { return std::string_view(sum.data(), sum.size()); });
  for (const Sum& entry : sums_) sum_.update(as_bytes(to_hex({entry.data(), entry.size()})));
  return "tarsum+sha256:" + std::string(sum_.digest().hex());
}

} // namespace berth::model
