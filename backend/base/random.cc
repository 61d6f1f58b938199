#include "base/random.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/encoding.h"

namespace berth {

void SystemRandom::fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
    // Every supported kernel has getrandom; without randomness there is nothing safe to go on with.
    else if (errno != EINTR)
      std::abort();
  }
}

std::string uuid4(Random& random) {
  std::array<std::byte, 16> bytes;
  random.fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string text = to_hex(as_text(bytes));
  for (std::size_t position : {20, 16, 12, 8}) text.insert(position, 1, '-');
  return text;
}

} // namespace berth
