// Size limits of an HTTP exchange. nginx refuses most larger ones before they reach the pool, which checks all the
// same.
#pragma once

#include <cstddef>

namespace berth::http {

inline constexpr std::size_t max_target_bytes = 16 * 1024; // path and query; nginx's default line is 8 KiB
inline constexpr std::size_t max_query_pairs = 64;         // further ones are dropped
inline constexpr std::size_t max_accept_entries = 64;      // further ones are dropped
inline constexpr std::size_t max_header_fields = 256;
inline constexpr std::size_t max_header_bytes = 64 * 1024;         // names and values together
inline constexpr std::size_t max_body_in_memory = 5 * 1024 * 1024; // above the largest manifest; blobs are spooled

} // namespace berth::http
