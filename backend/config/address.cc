#include "config/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace berth::config {
namespace {

constexpr std::size_t max_host_bytes = 253; // RFC 1035

constexpr const char* address_forms =
    "[host]:port with a port from 1 to 65535, as in :5000, 127.0.0.1:5000 or [::1]:5000";

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_host_name(std::string_view host) {
  return host.size() <= max_host_bytes && std::ranges::all_of(host, is_host_character) &&
         (host.empty() || (host.front() != '-' && host.front() != '.'));
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

} // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Code::invalid, address_forms);

  ListenAddress address;
  const std::string_view digits = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (error != std::errc() || end != digits.data() + digits.size() || address.port == 0)
    return fail(Code::invalid, address_forms);

  const std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    address.host = host.substr(1, host.size() - 2);
    if (!is_ipv6(address.host)) return fail(Code::invalid, address_forms);
  } else {
    address.host = host;
    if (!is_host_name(host)) return fail(Code::invalid, address_forms);
  }
  return address;
}

} // namespace berth::config
