#include "app/commands/progress.h"

#include <catch2/catch.hpp>

#include "app/commands/human.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;

TEST_CASE("sizes have two or three digits, and never four") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(999) == "999 B");
  CHECK(human_bytes(1000) == "1.0 kB");
  CHECK(human_bytes(9'949) == "9.9 kB");
  CHECK(human_bytes(9'960) == "10 kB");
  CHECK(human_bytes(999'600) == "1.0 MB");
  CHECK(human_bytes(~std::uint64_t{0}) == "18 EB");
}

TEST_CASE("times are whole ones of the largest unit that there are two of") {
  CHECK(human_time(-5s) == "0 s");
  CHECK(human_time(119s) == "119 s");
  CHECK(human_time(120s) == "2 min");
  CHECK(human_time(7199s) == "119 min");
  CHECK(human_time(2h) == "2 h");
  CHECK(human_time(47h) == "47 h");
  CHECK(human_time(49h) == "2 days");
  CHECK(clock_time(7s) == "0:07");
  CHECK(clock_time(3723s) == "1:02:03");
}

TEST_CASE("numbers are grouped") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(1'234'567) == "1,234,567");
}

TEST_CASE("progress tells rate and time left once the total is known") {
  ProgressState state{"repositories", Progress::Unit::items, 1'200, 48'000, 2s};
  CHECK(progress_text(state) == "1,200 of 48,000 repositories, 600/s, 1:18 left");
  state.total = 0;
  CHECK(progress_text(state) == "1,200 repositories, 600/s");
  CHECK(progress_text({"blobs", Progress::Unit::bytes, 3'000'000, 6'000'000, 1s}) ==
        "3.0 MB of 6.0 MB of blobs, 3.0 MB/s, 0:01 left");
  CHECK(progress_text({"tags", Progress::Unit::items, 0, 10, 0s}) == "0 of 10 tags");
  // More than was expected: somebody pushed meanwhile.
  CHECK(progress_text({"tags", Progress::Unit::items, 12, 10, 1s}) == "12 of 12 tags, 12/s");
}

TEST_CASE("a bar fits the terminal, and is full at the end alone") {
  ProgressState state{"tags", Progress::Unit::items, 5, 10, 1s};
  CHECK(progress_bar(state, 200) == "[============>           ]  50 % 5 of 10 tags, 5/s, 0:01 left");
  state.done = 10;
  CHECK(progress_bar(state, 200) == "[========================] 100 % 10 of 10 tags, 10/s");
  CHECK(progress_bar(state, 12).size() == 12);
  state.total = 0;
  CHECK(progress_bar(state, 200) == "10 tags, 10/s");
}

} // namespace
} // namespace berth::app
