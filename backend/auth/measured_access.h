// MeasuredAccess: an access controller before another that counts what that decides, by what the caller showed and by
// what became of it. Threads: safe.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "auth/access.h"

namespace berth::auth {

class MeasuredAccess final : public AccessController {
public:
  // What the caller showed; vouched: a token of the v1 API.
  static constexpr std::array<std::string_view, 6> kinds{"nothing",     "basic",   "bearer",
                                                         "certificate", "vouched", "other"};
  static constexpr std::array<std::string_view, 5> outcomes{"allowed", "unauthorized", "denied", "throttled",
                                                            "unavailable"};

  // Borrows: the controller; null if nobody asks.
  explicit MeasuredAccess(AccessController* controller) : controller_(controller) {}

  std::expected<Grant, Refusal> authorize(const Question& question) override;

  // Since the start; the numbers are places in the two lists.
  std::uint64_t count(std::size_t kind, std::size_t outcome) const {
    return counts_[kind][outcome].load(std::memory_order_relaxed);
  }

private:
  AccessController* const controller_;
  std::array<std::array<std::atomic<std::uint64_t>, outcomes.size()>, kinds.size()> counts_{};
};

} // namespace berth::auth
