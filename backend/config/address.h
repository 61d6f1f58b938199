// ListenAddress: http.addr taken apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::config {

struct ListenAddress {
  std::string host; // a name, an IPv4 address, or an IPv6 address without brackets; empty: every address, IPv4 and IPv6
  std::uint16_t port = 0;
};

// ":5000", "host:5000", "0.0.0.0:5000" (the same as ":5000"), "[::1]:5000", ":https". Errors: invalid; the message says
// what is allowed.
Result<ListenAddress> parse_listen_address(std::string_view text);

} // namespace berth::config
