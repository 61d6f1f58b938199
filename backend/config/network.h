// Network: the addresses that share a beginning, as `10.0.0.0/8` writes them. IPv4 is a part of IPv6, as
// ::ffff:10.0.0.0 has it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace berth::config {

using IpAddress = std::array<std::uint8_t, 16>;

// Returns nullopt if text is no address.
std::optional<IpAddress> parse_ip(std::string_view text);

struct Network {
  IpAddress first{};
  unsigned bits = 0; // [0, 128]

  bool holds(const IpAddress& address) const;
};

// An address, or an address and the number of bits that count. Nothing: it is neither, or bits that do not count are
// set.
std::optional<Network> parse_network(std::string_view text);

} // namespace berth::config
