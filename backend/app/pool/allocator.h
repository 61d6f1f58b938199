// Bounds the memory that malloc keeps. glibc takes the first large block that is freed for a sign that such blocks come
// and go, and from then on has them in its heaps, where they leave holes: nginx keeps 2 MB in each of its processes
// that it needed once, to read its configuration, and the pool 4 MB after a few uploads. With thresholds that are given
// it learns nothing.
#pragma once

namespace berth::app {

// Large blocks go back to the kernel when they are freed: in this process and its forks.
void give_back_large_blocks();

// The same for a program that is executed next, by its environment. What is set there already stays.
void let_program_give_back_large_blocks();

} // namespace berth::app
