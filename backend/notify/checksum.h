// CRC-32C (Castagnoli), as iSCSI and ext4 use it: tells a line that was written whole from one that was not.
#pragma once

#include <cstdint>
#include <string_view>

namespace berth::notify {

std::uint32_t crc32c(std::string_view bytes);

} // namespace berth::notify
