#include "config/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
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

// Go listens on both families for either, and so does berth.
bool is_wildcard(const std::string& host) {
  in6_addr v6{};
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return v4.s_addr == INADDR_ANY;
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_UNSPECIFIED(&v6);
}

// Returns the address in the brackets, as nginx takes it: an IPv4-mapped address as IPv4. Empty if it is no address.
std::string plain_address(const std::string& host) {
  in6_addr v6{};
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return host;
  if (::inet_pton(AF_INET6, host.c_str(), &v6) != 1) return {};
  if (!IN6_IS_ADDR_V4MAPPED(&v6)) return host;
  std::array<char, INET_ADDRSTRLEN> text{};
  return ::inet_ntop(AF_INET, &v6.s6_addr[12], text.data(), text.size());
}

// Takes a number, or one of the names that need no /etc/services. Returns 0 if text is neither.
std::uint16_t port_of(std::string_view text) {
  if (text == "http") return 80;
  if (text == "https") return 443;
  if (text.starts_with('+')) text.remove_prefix(1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() ? port : 0;
}

} // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Code::invalid, address_forms);

  ListenAddress address;
  address.port = port_of(text.substr(colon + 1));
  if (address.port == 0) return fail(Code::invalid, address_forms);

  const std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    address.host = plain_address(std::string(host.substr(1, host.size() - 2)));
    if (address.host.empty()) return fail(Code::invalid, address_forms);
  } else {
    address.host = host;
    if (!is_host_name(host)) return fail(Code::invalid, address_forms);
  }
  if (is_wildcard(address.host)) address.host.clear();
  return address;
}

} // namespace berth::config
