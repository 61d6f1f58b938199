#include "app/pool/long_bodies.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <chrono>
#include <deque>
#include <semaphore>
#include <thread>
#include <vector>

#include "unit/temp_dir.h"

namespace berth::app {
namespace {

// Counts who is in it, and lets nobody with a body out until it is told.
class Held final : public http::Handler {
public:
  http::Response handle(http::Request& request) override {
    if (request.body.empty()) return {};
    entered.release();
    leave.acquire();
    return {};
  }
  http::Response refuse(const http::Request&, const Error&) override { return {}; }

  std::counting_semaphore<> entered{0}, leave{0};
};

// A body that is long, and takes no room on the disk.
http::Request long_request(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(::ftruncate(file.get(), LongBodies::min_bytes) == 0);
  http::Request request;
  request.body = Content::open(path).value();
  return request;
}

TEST_CASE("no more long bodies are worked on at once than may be, and others pass them") {
  const test::TempDir directory;
  Held held;
  LongBodies bodies(held, 2);
  std::deque<http::Request> requests;
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i) {
    http::Request& request = requests.emplace_back(long_request(directory.path() + "/body"));
    threads.emplace_back([&] { bodies.handle(request); });
  }
  held.entered.acquire();
  held.entered.acquire();
  CHECK_FALSE(held.entered.try_acquire_for(std::chrono::milliseconds(50)));

  http::Request question;
  CHECK(bodies.handle(question).status == 200);

  for (int left = 5; left > 2; --left) { // one out, one in
    held.leave.release();
    held.entered.acquire();
    CHECK_FALSE(held.entered.try_acquire());
  }
  held.leave.release(2);
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("layers of v1 take turns elsewhere") {
  const test::TempDir directory;
  Held held;
  LongBodies bodies(held, 1);
  std::deque<http::Request> requests;
  std::vector<std::thread> threads;
  for (const char* target : {"/v2/a/blobs/uploads/1", "/v1/images/1/layer", "/prefix/v1/images/1/layer/"}) {
    http::Request& request = requests.emplace_back(long_request(directory.path() + "/body"));
    request.target = target;
    threads.emplace_back([&] { bodies.handle(request); });
  }
  for (std::size_t i = 0; i < threads.size(); ++i) held.entered.acquire();
  held.leave.release(3);
  for (std::thread& thread : threads) thread.join();
}

} // namespace
} // namespace berth::app
