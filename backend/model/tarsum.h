// TarSum: docker's checksum of an archive's entries, which does not depend on how it was packed or compressed. This is
// version 0 with sha256, the one of the v1 API: `tarsum+sha256:<hex>`.
// Spec: docker 0.7 to 1.5 pkg/tarsum. Two entries of one name are sorted by their sums like any others; docker keeps
// them in archive order, so such archives have another sum here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/digester.h"
#include "model/tar.h"

namespace berth::model {

class TarSum final : private TarVisitor {
public:
  // Most entries that are summed, in one archive.
  static constexpr std::size_t max_entries = 4'000'000;

  TarSum() : reader_(*this) {}
  // Takes bytes of the uncompressed archive. Errors: invalid for what is no tar, or too many entries.
  Result<> update(std::span<const std::byte> bytes) { return reader_.update(bytes); }
  // extra: the image's JSON. Errors: invalid if the archive ends too soon.
  Result<std::string> finish(std::string_view extra);

private:
  Result<> begin(const TarEntry& entry) override;
  Result<> data(std::span<const std::byte> bytes) override;
  void end_entry();

  TarReader reader_;
  std::unique_ptr<Digester> entry_; // null: no entry yet
  std::vector<std::string> sums_;   // hexadecimal
};

} // namespace berth::model
