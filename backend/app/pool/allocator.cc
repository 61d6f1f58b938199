#include "app/pool/allocator.h"

#include <malloc.h>
#include <stdlib.h>

#include <string>

namespace berth::app {
namespace {

// Above nginx's largest buffer, five fourths of client_body_buffer_size (256 KiB), which is to be had without a system
// call; below what it needs to read a `map` (384 KiB).
constexpr int large_block_bytes = 352 * 1024;
// A heap is shortened when so much at its end is free.
constexpr int trim_bytes = 1024 * 1024;

} // namespace

void give_back_large_blocks() {
  ::mallopt(M_MMAP_THRESHOLD, large_block_bytes);
  ::mallopt(M_TRIM_THRESHOLD, trim_bytes);
}

void let_program_give_back_large_blocks() {
  ::setenv("MALLOC_MMAP_THRESHOLD_", std::to_string(large_block_bytes).c_str(), 0);
  ::setenv("MALLOC_TRIM_THRESHOLD_", std::to_string(trim_bytes).c_str(), 0);
}

} // namespace berth::app
