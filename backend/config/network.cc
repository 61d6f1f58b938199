#include "config/network.h"

#include <arpa/inet.h>

#include <charconv>
#include <string>

namespace berth::config {
namespace {

constexpr unsigned all_bits = 128, v4_bits = 32;
constexpr std::size_t v4_at = 12; // of an IPv4 address in an IpAddress

} // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  const std::string name(text);
  IpAddress address{};
  if (::inet_pton(AF_INET6, name.c_str(), address.data()) == 1) return address;
  address = {};
  address[v4_at - 2] = address[v4_at - 1] = 0xff;
  if (::inet_pton(AF_INET, name.c_str(), address.data() + v4_at) == 1) return address;
  return std::nullopt;
}

bool Network::holds(const IpAddress& address) const {
  for (unsigned bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if (((address[bit / 8] ^ first[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address) return std::nullopt;
  Network network{*address, all_bits};
  if (slash == std::string_view::npos) return network;
  const bool v4 = text.find(':') == std::string_view::npos;
  const std::string_view number = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
  if (error != std::errc() || end != number.data() + number.size() || bits > (v4 ? v4_bits : all_bits))
    return std::nullopt;
  network.bits = bits + (v4 ? all_bits - v4_bits : 0);
  for (unsigned bit = network.bits; bit < all_bits; ++bit)
    if ((network.first[bit / 8] & (0x80U >> (bit % 8))) != 0) return std::nullopt;
  return network;
}

} // namespace berth::config
