// An endpoint's delivery, with a sender that does as it is told; and what an event looks like.
#include "notify/endpoint.h"

#include <catch2/catch.hpp>
#include <functional>

#include "notify/notifier.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::notify;
using namespace std::chrono_literals;

namespace {

NullLogger quiet;

// What a fake endpoint got; shared, as an Endpoint owns its sender.
struct Inbox {
  std::mutex mutex;
  std::vector<std::string> bodies;
  std::vector<std::chrono::steady_clock::time_point> times;
  std::function<Result<int>(std::size_t)> answer = [](std::size_t) { return 200; };

  std::size_t size() {
    const std::lock_guard lock(mutex);
    return bodies.size();
  }
  void wait_for(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (size() < count) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::this_thread::sleep_for(1ms);
    }
  }
};

class FakeSender final : public Sender {
public:
  explicit FakeSender(Inbox& inbox) : inbox_(inbox) {}
  Result<int> post(const std::string& body) override {
    const std::lock_guard lock(inbox_.mutex);
    inbox_.bodies.push_back(body);
    inbox_.times.push_back(std::chrono::steady_clock::now());
    return inbox_.answer(inbox_.bodies.size() - 1);
  }
  void stop() override {}

private:
  Inbox& inbox_;
};

Event event_of(const std::string& digest, Action action = Action::push) {
  Event event;
  event.id = "id";
  event.action = action;
  event.target.digest = digest;
  event.target.media_type = "a/b";
  return event;
}

std::unique_ptr<Endpoint> start(const test::TempDir& dir, Inbox& inbox, EndpointOptions options = {}) {
  options.name = "test";
  auto queue = Queue::open({dir.path() + "/test"}, quiet);
  REQUIRE(queue);
  return std::make_unique<Endpoint>(options, *std::move(queue), std::make_unique<FakeSender>(inbox), quiet);
}

} // namespace

TEST_CASE("an event is posted until it is taken, and then the next") {
  const test::TempDir dir;
  Inbox inbox;
  inbox.answer = [](std::size_t attempt) -> Result<int> {
    if (attempt == 0) return fail(Code::io, "no route");
    return attempt < 3 ? 503 : 200;
  };
  const auto endpoint = start(dir, inbox);
  for (const char* digest : {"one", "two"}) {
    const Event event = event_of(digest);
    endpoint->record(event, to_json(event));
  }
  inbox.wait_for(5);
  CHECK(inbox.bodies[3].contains("\"one\""));
  CHECK(inbox.bodies[4].contains("\"two\""));
  endpoint->stop(1s);
  const EndpointStatus status = endpoint->status();
  CHECK(status.events == 2);
  CHECK(status.successes == 2);
  CHECK(status.failures == 2);
  CHECK(status.errors == 1);
  CHECK(status.statuses == std::map<int, std::uint64_t>{{200, 2}, {503, 2}});
}

TEST_CASE("after so many failures in a row it waits between attempts") {
  const test::TempDir dir;
  Inbox inbox;
  inbox.answer = [](std::size_t attempt) { return attempt < 5 ? 500 : 200; };
  EndpointOptions options;
  options.threshold = 3;
  options.backoff = 100ms;
  const auto endpoint = start(dir, inbox, options);
  const Event event = event_of("one");
  endpoint->record(event, to_json(event));
  inbox.wait_for(6);
  CHECK(inbox.times[2] - inbox.times[0] < 100ms);
  for (std::size_t i = 3; i < 6; ++i) CHECK(inbox.times[i] - inbox.times[i - 1] >= 100ms);
}

TEST_CASE("a stop keeps what was not taken") {
  const test::TempDir dir;
  Inbox dead, alive;
  dead.answer = [](std::size_t) { return 500; };
  {
    EndpointOptions options;
    options.backoff = 1h;
    const auto endpoint = start(dir, dead, options);
    const Event event = event_of("one");
    endpoint->record(event, to_json(event));
    dead.wait_for(10);
    const auto started = std::chrono::steady_clock::now();
    endpoint->stop(5s);
    CHECK(std::chrono::steady_clock::now() - started < 4s);
  }
  const auto endpoint = start(dir, alive);
  alive.wait_for(1);
  CHECK(alive.bodies[0].contains("\"one\""));
}

TEST_CASE("what is ignored") {
  const test::TempDir dir;
  Inbox inbox;
  EndpointOptions options;
  options.ignored_actions = {"pull"};
  options.ignored_media_types = {"c/d"};
  const auto endpoint = start(dir, inbox, options);
  CHECK(endpoint->wants(event_of("x")));
  CHECK_FALSE(endpoint->wants(event_of("x", Action::pull)));
  Event typed = event_of("x");
  typed.target.media_type = "c/d";
  CHECK_FALSE(endpoint->wants(typed));
}

TEST_CASE("an event without much to say, and one with what JSON cannot hold") {
  Event event;
  event.id = "i";
  event.time = parse_rfc3339("2024-01-02T03:04:05.5Z").value();
  CHECK(to_json(event) == R"({"id":"i","timestamp":"2024-01-02T03:04:05.5Z","action":"pull","target":{},)"
                          R"("request":{"id":"","method":"","useragent":""},"actor":{},"source":{}})");
  event.request.user_agent = "a\"\n\xff";
  CHECK(to_json(event).contains(R"("useragent":"a\"\n�")"));
  CHECK_FALSE(to_json(event).contains('\n'));
  CHECK(envelope_of("[]").error().code == Code::corrupt);
  CHECK(references_of("no JSON").empty());
  CHECK(references_of(R"({"config":{"digest":"d","size":0,"x":1},"layers":[{"digest":"e","urls":["u"]}]})") ==
        R"([{"digest":"d"},{"digest":"e","urls":["u"]}])");
}

TEST_CASE("two endpoints with one name are refused; names make directories") {
  const test::TempDir dir;
  NotifierOptions options;
  options.directory = dir.path();
  options.endpoints.resize(2);
  for (auto& one : options.endpoints) {
    one.endpoint.name = "same";
    one.http.url = "http://127.0.0.1:9/";
  }
  CHECK(Notifier::start(options, quiet).error().code == Code::invalid);
  CHECK(queue_name("../../etc").starts_with("______etc-"));
  CHECK(queue_name("a") != queue_name("b"));
  CHECK(queue_name(std::string(5000, 'x')).size() < 100);
}
