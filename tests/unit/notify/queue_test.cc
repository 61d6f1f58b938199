// The queue: order, several pools, segments that come and go, and what a crash can leave.
#include "notify/queue.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::notify;

namespace {

NullLogger quiet;

std::unique_ptr<Queue> open(const test::TempDir& dir, std::uint64_t segment_bytes = 200,
                            std::uint64_t max_bytes = 1 << 20) {
  auto queue = Queue::open({dir.path() + "/queues/one", max_bytes, segment_bytes}, quiet);
  REQUIRE(queue);
  return *std::move(queue);
}

std::vector<std::string> segments(const test::TempDir& dir) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path() + "/queues/one"))
    if (entry.path().extension() == ".log") names.push_back(entry.path());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> take_all(Queue& queue) {
  const auto delivery = queue.deliver();
  REQUIRE(delivery);
  std::vector<std::string> events;
  for (;;) {
    const auto front = (*delivery)->front();
    REQUIRE(front);
    if (!*front) return events;
    events.push_back(**front);
    REQUIRE((*delivery)->pop());
  }
}

std::vector<std::string> numbered(int first, int last) {
  std::vector<std::string> events;
  for (int i = first; i < last; ++i) events.push_back("event " + std::to_string(i));
  return events;
}

void append_all(Queue& queue, const std::vector<std::string>& events) {
  for (const std::string& event : events) REQUIRE(queue.append(event, Weight::change));
}

} // namespace

TEST_CASE("events come out once and in order, over many segments and openings") {
  const test::TempDir dir;
  append_all(*open(dir), numbered(0, 50));
  CHECK(segments(dir).size() > 3);
  CHECK(open(dir)->count().value() == 50);
  {
    const auto queue = open(dir);
    const auto delivery = queue->deliver().value();
    for (int i = 0; i < 20; ++i) {
      CHECK(delivery->front().value() == "event " + std::to_string(i));
      CHECK(delivery->front().value() == "event " + std::to_string(i)); // looking takes nothing
      REQUIRE(delivery->pop());
    }
  }
  const auto queue = open(dir);
  CHECK(queue->count().value() == 30);
  CHECK(take_all(*queue) == numbered(20, 50));
  CHECK(take_all(*queue).empty());
  CHECK(segments(dir).size() <= 1);
  append_all(*queue, numbered(50, 60));
  CHECK(take_all(*open(dir)) == numbered(50, 60));
}

TEST_CASE("one delivers at a time") {
  const test::TempDir dir;
  const auto one = open(dir), other = open(dir);
  {
    const auto delivery = one->deliver();
    REQUIRE(delivery);
    CHECK(other->deliver().error().code == Code::busy);
    CHECK(one->deliver().error().code == Code::busy);
  }
  CHECK(other->deliver());
}

// A pool that was idle still thinks that the first segment is the newest, which was filled, delivered and removed.
TEST_CASE("a pool that comes late does not write where nobody reads") {
  const test::TempDir dir;
  const auto late = open(dir), busy = open(dir);
  const bool with_open_segment = GENERATE(false, true);
  std::vector<std::string> expected;
  if (with_open_segment) {
    append_all(*late, {"early"});
    expected.emplace_back("early");
  }
  append_all(*busy, numbered(0, 50));
  for (const std::string& event : numbered(0, 50)) expected.push_back(event);
  CHECK(take_all(*busy) == expected);
  append_all(*late, {"late"});
  append_all(*busy, {"later"});
  CHECK(take_all(*busy) == std::vector<std::string>{"late", "later"});
}

TEST_CASE("many threads of two pools lose nothing while one delivers") {
  const test::TempDir dir;
  constexpr int threads = 6, each = 200;
  const auto one = open(dir, 2000), other = open(dir, 2000);
  std::vector<std::thread> writers;
  for (int t = 0; t < threads; ++t)
    writers.emplace_back([&, t] {
      for (int i = 0; i < each; ++i)
        if (!(t % 2 == 0 ? one : other)->append(std::to_string(t) + "/" + std::to_string(i), Weight::pull))
          std::abort();
    });
  std::vector<int> next(threads);
  int taken = 0;
  const auto delivery = one->deliver().value();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (taken < threads * each && std::chrono::steady_clock::now() < deadline) {
    const auto front = delivery->front();
    REQUIRE(front);
    if (!*front) continue;
    const int writer = (**front)[0] - '0';
    REQUIRE(**front == std::to_string(writer) + "/" + std::to_string(next[static_cast<std::size_t>(writer)]++));
    REQUIRE(delivery->pop());
    ++taken;
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(taken == threads * each);
}

TEST_CASE("a damaged line costs itself alone") {
  const test::TempDir dir;
  append_all(*open(dir, 1 << 20), numbered(0, 3));
  const std::string file = segments(dir).front();
  std::string bytes = test::read_whole(file);
  SECTION("a changed byte") {
    bytes[bytes.find("event 1")] = 'E';
    std::ofstream(file, std::ios::binary) << bytes;
    CHECK(take_all(*open(dir, 1 << 20)) == std::vector<std::string>{"event 0", "event 2"});
  }
  SECTION("half a line at the end, as after a power cut") {
    std::ofstream(file, std::ios::binary) << bytes.substr(0, bytes.size() - 4);
    const auto queue = open(dir, 1 << 20);
    CHECK(take_all(*queue) == numbered(0, 2)); // the half is waited for, as it may be being written
    append_all(*queue, {"after"});
    CHECK(take_all(*queue) == std::vector<std::string>{"after"});
  }
  SECTION("zeros at the end") {
    std::ofstream(file, std::ios::binary | std::ios::app) << std::string(5000, '\0');
    const auto queue = open(dir, 1 << 20);
    append_all(*queue, {"after"});
    CHECK(take_all(*queue) == std::vector<std::string>{"event 0", "event 1", "event 2", "after"});
  }
  SECTION("a lost tail that was delivered already") {
    CHECK(take_all(*open(dir, 1 << 20)).size() == 3);
    std::filesystem::resize_file(file, bytes.size() / 2);
    const auto queue = open(dir, 1 << 20);
    append_all(*queue, {"after"});
    const auto taken = take_all(*queue);
    CHECK(taken.back() == "after"); // those before it may come again
  }
}

TEST_CASE("a position that is lost repeats events, and loses none") {
  const test::TempDir dir;
  append_all(*open(dir), numbered(0, 10));
  CHECK(take_all(*open(dir)).size() == 10);
  append_all(*open(dir), numbered(10, 20));
  const std::string position = dir.path() + "/queues/one/position";
  const std::string rubbish = GENERATE(as<std::string>(), "", "rubbish", "00000000000000000001 00000000000000000007\n",
                                       "00000000000000000000 00000000000000000000\n");
  std::ofstream(position, std::ios::binary | std::ios::trunc) << rubbish;
  const auto taken = take_all(*open(dir));
  std::set<std::string> seen(taken.begin(), taken.end());
  for (const std::string& event : numbered(10, 20)) CHECK(seen.contains(event));
}

TEST_CASE("a full queue takes pulls no more, and then nothing") {
  const test::TempDir dir;
  const auto queue = open(dir, 1 << 20, 1000);
  const std::string event(190, 'x');
  const auto measure_again = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1100)); }; // its own interval
  for (int i = 0; i < 4; ++i) REQUIRE(queue->append(event, Weight::pull));
  measure_again();
  CHECK(queue->append(event, Weight::pull).error().code == Code::storage_full);
  CHECK(queue->append(event, Weight::change));
  CHECK(queue->append(event, Weight::change));
  measure_again();
  CHECK(queue->append(event, Weight::change).error().code == Code::storage_full);
  CHECK(queue->count().value() == 6);
}
