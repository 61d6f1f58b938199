// Unpacking: turns, the budget of memory, and who ends; and what a layer may become.
#include <bzlib.h>

#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "storage/v1/decompressor.h"

using namespace berth;
using namespace berth::storage;

namespace {

constexpr std::size_t mega = 1 << 20;
const IsGone here = [] { return false; };
const IsGone gone = [] { return true; }; // whoever would have to wait learns that its client has left

std::unique_ptr<Unpacking::Task> begin(Unpacking& unpacking, const IsGone& is_gone = here) {
  return unpacking.begin(is_gone).value();
}
bool ends(const Result<>& result) { return !result && is(result.error(), Code::unavailable); }

// Streams of bzip2, each of which becomes 45 MB.
std::string bzip2_bomb(int streams) {
  std::string zeros(45'000'000, '\0'), one(10000, '\0');
  auto size = static_cast<unsigned>(one.size());
  REQUIRE(BZ2_bzBuffToBuffCompress(one.data(), &size, zeros.data(), static_cast<unsigned>(zeros.size()), 9, 0, 0) ==
          BZ_OK);
  std::string all;
  for (int i = 0; i < streams; ++i) all += one.substr(0, size);
  return all;
}

Result<> unpack(Unpacking& unpacking, const std::string& packed) {
  const auto task = begin(unpacking);
  Decompressor decompressor(*task, packed.size(), [](std::span<const std::byte>) { return Result<>(); });
  BERTH_CHECK(decompressor.update(as_bytes(packed)));
  return decompressor.finish();
}

} // namespace

TEST_CASE("who runs gives its turn to who has used less") {
  Unpacking unpacking({.at_once = 1, .slice = {}});
  const auto first = begin(unpacking), second = begin(unpacking), third = begin(unpacking, gone);
  REQUIRE(first->go_on());
  REQUIRE(first->go_on()); // nobody else wants it
  CHECK(ends(third->go_on()));
  std::atomic<bool> is_over = false;
  Result<> result;
  std::thread other([&] {
    result = second->go_on();
    second->rest();
    is_over = true;
  });
  // The other one has used nothing: as soon as it waits, this one does.
  while (!is_over) REQUIRE(first->go_on());
  other.join();
  CHECK(result);
}

TEST_CASE("no more run at once than may") {
  Unpacking unpacking({.at_once = 2});
  std::atomic<int> running = 0, most = 0, begun = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      const auto task = begin(unpacking);
      if (task->go_on()) ++begun;
      const int now = ++running;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::yield();
      --running;
      task->rest();
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(begun == 8);
  CHECK(most <= 2);
}

TEST_CASE("who does not fit into the memory waits") {
  Unpacking unpacking({});
  const auto large = begin(unpacking), small = begin(unpacking), other = begin(unpacking, gone);
  REQUIRE(large->need(Unpacking::max_large_need));
  CHECK(ends(other->need(Unpacking::max_large_need)));
  REQUIRE(small->need(Unpacking::max_small_need));
  REQUIRE(small->need(Unpacking::max_small_need)); // it has that already
  REQUIRE(other->need(Unpacking::max_small_need));
  CHECK(ends(begin(unpacking, gone)->need(1)));
  CHECK(ends(other->need(Unpacking::max_large_need))); // a second need
  large->rest();
  REQUIRE(other->need(Unpacking::max_large_need));
  REQUIRE(begin(unpacking, gone)->need(Unpacking::max_small_need)); // what it had before is free
}

TEST_CASE("what is kept besides is given as long as there is some") {
  Unpacking unpacking({});
  const auto one = begin(unpacking), other = begin(unpacking);
  REQUIRE(one->keep(Unpacking::all_kept_bytes));
  CHECK_FALSE(other->keep(1));
  one->rest();
  CHECK(other->keep(1));
}

TEST_CASE("one task too many displaces the one that has used most") {
  Unpacking unpacking({.slice = {}});
  std::vector<std::unique_ptr<Unpacking::Task>> tasks;
  while (tasks.size() < Unpacking::max_tasks) tasks.push_back(begin(unpacking));
  CHECK(unpacking.begin(here).error().code == Code::unavailable); // nobody has used anything
  REQUIRE(tasks[7]->go_on());
  tasks[7]->rest();
  const auto last = unpacking.begin(here);
  REQUIRE(last);
  CHECK(ends(tasks[7]->go_on()));
  CHECK((*last)->go_on());
  tasks.erase(tasks.begin() + 7);
  tasks.pop_back();
  CHECK(unpacking.begin(here)); // there is room again
}

TEST_CASE("what a layer may become") {
  Unpacking unpacking({});
  CHECK(unpacking.max_plain_bytes(1000) == Unpacking::free_bytes);
  CHECK(unpacking.max_plain_bytes(10 * mega) == 10 * mega * Unpacking::max_ratio);
  CHECK(unpacking.max_plain_bytes(UINT64_MAX) == unpacking.limits().max_layer_bytes);

  const std::string bomb = bzip2_bomb(10);
  CHECK(unpack(unpacking, bomb).error().message ==
        "The layer unpacks to more than 1100 times its " + std::to_string(bomb.size()) + " bytes");
  CHECK(unpack(unpacking, bzip2_bomb(2)));
  Unpacking strict({.max_layer_bytes = 50'000'000});
  CHECK(unpack(strict, bzip2_bomb(1)));
  CHECK(unpack(strict, bzip2_bomb(2)).error().message ==
        "The layer unpacks to more than the 50000000 bytes of berth.v1.maxlayersize");
}
