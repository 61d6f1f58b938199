// TarSum: docker's checksum of an archive's entries, which does not depend on how it was packed or compressed. This is
// version 0 with sha256, the one of the v1 API: `tarsum+sha256:<hex>`.
// Spec: docker 0.7 to 1.5 pkg/tarsum. Two entries of one name are sorted by their sums like any others; docker keeps
// them in archive order, so such archives have another sum here.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "model/digester.h"
#include "model/tar.h"

namespace berth::model {

class TarSum final : private TarVisitor {
public:
  // Whether so many bytes more may be kept: the sums of an archive's entries are.
  using MayKeep = std::function<bool(std::size_t)>;
  // The most entries of one archive that are summed; may_keep is asked once for entries_a_question of them.
  static constexpr std::size_t max_entries = 500'000;
  static constexpr std::size_t entries_a_question = 4096;

  // start: of what stands before the entries in the sum, the image's JSON.
  explicit TarSum(const Sha256& start, MayKeep may_keep = nullptr)
      : sum_(start), may_keep_(std::move(may_keep)), reader_(*this) {}
  // Takes bytes of the uncompressed archive. Errors: invalid for what is no tar, or too many entries.
  Result<> update(std::span<const std::byte> bytes) { return reader_.update(bytes); }
  // Once. Errors: invalid if the archive ends too soon.
  Result<std::string> finish();

private:
  Result<> begin(const TarEntry& entry) override;
  Result<> data(std::span<const std::byte> bytes) override;
  void end_entry();

  using Sum = std::array<char, 32>;

  Sha256 sum_;
  MayKeep may_keep_;
  TarReader reader_;
  std::optional<Sha256> entry_; // none yet
  std::deque<Sum> sums_;        // which grows without a copy
};

} // namespace berth::model
