// PullGate: which files there are for nginx, and when they go.
#include "app/pool/pull_gate.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "unit/temp_dir.h"

using namespace berth;
using app::PullGate;
namespace fs = std::filesystem;

namespace {

class SetClock final : public Clock {
public:
  Time now() const override { return std::chrono::sys_seconds(std::chrono::seconds(at.load())); }
  std::atomic<long long> at{1'764'410'650};
};

const std::string tail = "0123456789abcdefghijklmnopqrstuvwxyzABC_-XY"; // 43 characters
const std::string token = "Bearer b1.e30." + tail;

auth::Grant good_until(long long seconds, std::string user = "alice") {
  auth::Grant grant{{.user = std::move(user)}};
  grant.good_until = std::chrono::sys_seconds(std::chrono::seconds(seconds));
  return grant;
}

struct Gate {
  test::TempDir directory;
  SetClock clock;
  std::string place = directory.path() + "/pulls/1";
  std::unique_ptr<PullGate> gate = PullGate::make(place, clock).value();

  bool has(const std::string& path) const { return fs::is_regular_file(place + "/" + path); }
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(place)) count += entry.is_regular_file() ? 1 : 0;
    return count - 1; // but for .well
  }
};

} // namespace

TEST_CASE("a pull that was granted is let through in its bucket, by the token's end and the repository") {
  Gate gate;
  gate.gate->let_through(token, good_until(1'764'410'651), "team/app");
  CHECK(gate.has("open/17644106/team/app/." + tail));
  CHECK(gate.files() == 1);
  gate.gate->let_through(token, good_until(1'764'410'651), "team");
  CHECK(gate.has("open/17644106/team/." + tail));
  gate.clock.at += 100;
  gate.gate->let_through(token, good_until(1'764'411'651), "team/app");
  CHECK(gate.has("open/17644107/team/app/." + tail));
  struct stat status{};
  REQUIRE(::stat(gate.place.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
}

TEST_CASE("no file is made for a bucket that begins when the token has ended, or without the controller's word") {
  Gate gate;
  gate.gate->let_through(token, good_until(1'764'410'600), "team/app");
  CHECK(gate.files() == 0);
  gate.gate->let_through(token, auth::Grant{{.user = "alice"}}, "team/app");
  CHECK(gate.files() == 0);
  gate.gate->let_through(token, good_until(1'764'410'601), "team/app");
  CHECK(gate.files() == 1);
}

TEST_CASE("who shows nothing is nobody, and nobody's file is made for nobody alone") {
  Gate gate;
  gate.gate->let_through("", good_until(1'900'000'000, "cert:host"), "team/app");
  CHECK(gate.files() == 0);
  gate.gate->let_through("", good_until(1'900'000'000, ""), "public/app");
  CHECK(gate.has("open/17644106/public/app/.-"));
  gate.gate->let_through("Basic Og==", good_until(1'900'000'000, ""), "public/other");
  CHECK(gate.has("open/17644106/public/other/.-"));
}

TEST_CASE("the end of a token is what nginx takes for it") {
  CHECK(PullGate::tail_of(token) == tail);
  CHECK(PullGate::tail_of("bearer " + tail) == tail);
  CHECK(PullGate::tail_of("") == PullGate::nobody);
  CHECK(PullGate::tail_of("Basic Og==") == "-");
  for (const std::string& other :
       {std::string("Basic YTpi"), std::string("basic oG=="), "Bearer " + tail.substr(1), "Bearer " + tail + ".x",
        "Bearer " + tail + "=", "Bearer  " + tail.substr(1), "Token " + tail, std::string("-"),
        std::string("Bearer ../../../../../../../../../../../../../../../../../../../../x")})
    CHECK(PullGate::tail_of(other).empty());
}

TEST_CASE("while the registry is not well nothing is found, and what was let through is there again afterwards") {
  Gate gate;
  gate.gate->let_through(token, good_until(1'900'000'000), "team/app");
  CHECK(gate.has("open/.well"));
  bool well = false;
  const auto is_well = [&] { return well; };
  gate.gate->follow(is_well);
  gate.gate->follow(is_well);
  CHECK_FALSE(fs::exists(gate.place + "/open"));
  gate.gate->let_through(token, good_until(1'900'000'000), "team/other");
  CHECK_FALSE(fs::exists(gate.place + "/open"));
  well = true;
  gate.gate->follow(is_well);
  gate.gate->follow(is_well);
  CHECK(gate.has("open/.well"));
  CHECK(gate.has("open/17644106/team/app/." + tail));
}

TEST_CASE("however changes cross, the gate ends as the registry does") {
  Gate gate;
  std::atomic<bool> well = true;
  const auto is_well = [&] { return well.load(); };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        well = i % 2 == 0;
        gate.gate->follow(is_well);
      });
    threads.clear();
    REQUIRE(gate.has("open/.well") == well.load());
  }
}

TEST_CASE("buckets that are over are swept away, also while the gate is shut") {
  Gate gate;
  gate.gate->let_through(token, good_until(1'900'000'000), "team/app");
  gate.clock.at += 100;
  gate.gate->let_through(token, good_until(1'900'000'000), "team/app");
  CHECK(gate.files() == 2);
  gate.gate->sweep();
  CHECK(gate.has("open/17644107/team/app/." + tail));
  CHECK(gate.files() == 1);
  gate.gate->follow([] { return false; });
  gate.clock.at += 100;
  gate.gate->sweep();
  CHECK(gate.files() == 0);
  CHECK(gate.has("shut/.well"));
  gate.clock.at -= 1000; // a clock that was put back must not bring old buckets back
  gate.gate->follow([] { return true; });
  gate.gate->let_through(token, good_until(1'900'000'000), "team/app");
  gate.clock.at -= 1000;
  gate.gate->sweep();
  CHECK(gate.files() == 0);
}

TEST_CASE("a bucket takes so many entries and no more, and the next begins anew") {
  Gate gate;
  const auto many = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      std::string number = std::to_string(i);
      number.insert(0, 43 - number.size(), '0');
      gate.gate->let_through("Bearer " + number, good_until(1'900'000'000), "a/b/c");
    }
  };
  many(PullGate::max_entries + 10);
  const std::size_t files = gate.files();
  CHECK(files <= PullGate::max_entries);
  CHECK(files > PullGate::max_entries - 10);
  gate.clock.at += 100;
  gate.gate->let_through(token, good_until(1'900'000'000), "a/b/c");
  CHECK(gate.files() == files + 1);
}

TEST_CASE("a gate replaces what a killed pool has left, and goes with its pool") {
  Gate gate;
  gate.gate->let_through(token, good_until(1'900'000'000), "team/app");
  gate.gate->follow([] { return false; });
  auto next = PullGate::make(gate.place, gate.clock).value();
  CHECK(gate.files() == 0);
  CHECK(gate.has("open/.well"));
  CHECK_FALSE(fs::exists(gate.place + "/shut"));
  next.reset();
  CHECK_FALSE(fs::exists(gate.place));
  CHECK_FALSE(PullGate::make("/dev/null/pulls", gate.clock));
  gate.gate->let_through(token, good_until(1'900'000'000), "team/lost"); // no crash without the directory
}
