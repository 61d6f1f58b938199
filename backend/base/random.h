// Random: where unpredictable bytes come from, so that a test can repeat them.
// Threads: safe.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace berth {

class Random {
public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> bytes) = 0;
};

// The kernel's generator, getrandom(2).
class SystemRandom final : public Random {
public:
  void fill(std::span<std::byte> bytes) override;
};

// A version 4 UUID, RFC 9562: 36 characters, lower case.
std::string uuid4(Random& random);

} // namespace berth
