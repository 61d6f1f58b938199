// What a descriptor cache promises, asked of every kind of entries: those in memory, and those in a real redis-server.
#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <thread>

#include "cache/cached_blob_statter.h"
#include "cache/redis.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace std::chrono_literals;

namespace {

constexpr const char* server_program = "/usr/bin/redis-server";

// A redis-server of the test's own, on a unix socket.
class Server {
public:
  Server() { start(); }
  ~Server() { stop(); }
  Server(const Server&) = delete;

  void start() {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::freopen("/dev/null", "w", stdout);
      ::execl(server_program, server_program, "--port", "0", "--unixsocket", socket().c_str(), "--save", "", "--dir",
              dir_.path().c_str(), nullptr);
      ::_exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    const auto dialer = cache::RedisDialer::make(options());
    REQUIRE(dialer);
    while (!dialer->dial()) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::this_thread::sleep_for(10ms);
    }
  }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  std::string socket() const { return dir_.path() + "/socket"; }
  cache::RedisOptions options() const {
    cache::RedisOptions options;
    options.address = socket();
    return options;
  }
  // Asks it as anybody could.
  cache::RedisReply ask(const cache::RedisCommand& command) {
    const auto connection = cache::RedisDialer::make(options())->dial();
    REQUIRE(connection);
    const auto replies = (*connection)->call({command});
    REQUIRE(replies);
    return replies->front();
  }

private:
  test::TempDir dir_;
  pid_t pid_ = 0;
};

class Lines final : public Logger {
public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view message, std::initializer_list<LogField>) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

model::Digest sha256_of(std::string_view bytes) { return model::CanonicalDigest::of_bytes(bytes); }
model::Descriptor descriptor_of(std::string_view bytes) {
  return {"application/octet-stream", bytes.size(), model::CanonicalDigest::of_bytes(bytes)};
}
model::RepositoryName name(const std::string& text) { return model::RepositoryName::parse(text).value(); }
const model::Digest other_algorithm = model::Digest::parse("sha512:" + std::string(128, 'a')).value();

// The truth behind a cache, by digest; counts how often it is asked.
class Backend final : public registry::AuthoritativeStatter {
public:
  Result<registry::Readable> look(const model::Digest& digest, registry::Need) override {
    ++stats;
    const auto found = blobs.find(digest.str());
    if (found == blobs.end()) return fail(Code::blob_unknown);
    return registry::Readable{found->second, parked};
  }
  Result<bool> confirms(const model::Digest& digest, const model::Descriptor& descriptor) override {
    const auto found = blobs.find(digest.str());
    return found != blobs.end() && found->second.digest == descriptor.digest && found->second.size == descriptor.size;
  }
  std::map<std::string, model::Descriptor> blobs;
  bool parked = false; // all of them
  int stats = 0;
};

struct Subject {
  std::unique_ptr<Server> server; // of redis
  Lines log;
  std::unique_ptr<cache::Entries> entries;
};

std::unique_ptr<Subject> make(const std::string& kind) {
  auto subject = std::make_unique<Subject>();
  if (kind == "memory") {
    subject->entries = std::make_unique<cache::Memory>(100);
    return subject;
  }
  if (::access(server_program, X_OK) != 0) {
    WARN("SKIPPED: no " << server_program << " (.ci/packages test installs it)");
    return nullptr;
  }
  subject->server = std::make_unique<Server>();
  subject->entries = cache::Redis::make(subject->server->options(), subject->log).value();
  return subject;
}

} // namespace

#define FOR_ALL_ENTRIES                                                                                                \
  const std::string kind = GENERATE("memory", "redis");                                                                \
  CAPTURE(kind);                                                                                                       \
  const auto subject = make(kind);                                                                                     \
  if (!subject) return;                                                                                                \
  [[maybe_unused]] cache::Entries& entries = *subject->entries

TEST_CASE("entries are found again, in their repository alone") {
  FOR_ALL_ENTRIES;
  const auto blob = descriptor_of("one");
  CHECK_FALSE(entries.find(name("a/b"), blob.digest).value());
  REQUIRE(entries.put(name("a/b"), blob.digest, blob));
  CHECK(entries.find(name("a/b"), blob.digest).value() == blob);
  CHECK_FALSE(entries.find(name("a"), blob.digest).value());
  CHECK_FALSE(entries.find(name("a/b"), sha256_of("two")).value());
}

TEST_CASE("an entry under another algorithm is there under its canonical digest too") {
  FOR_ALL_ENTRIES;
  const auto blob = descriptor_of("one");
  REQUIRE(entries.put(name("a"), other_algorithm, blob));
  CHECK(entries.find(name("a"), other_algorithm).value() == blob);
  CHECK(entries.find(name("a"), blob.digest).value() == blob);
}

TEST_CASE("an erased entry is gone, and does not come back with another repository's") {
  FOR_ALL_ENTRIES;
  const auto blob = descriptor_of("one");
  REQUIRE(entries.put(name("a"), blob.digest, blob));
  REQUIRE(entries.erase(name("a"), blob.digest));
  CHECK_FALSE(entries.find(name("a"), blob.digest).value());
  REQUIRE(entries.put(name("b"), blob.digest, blob));
  CHECK_FALSE(entries.find(name("a"), blob.digest).value());
  CHECK(entries.find(name("b"), blob.digest).value());
  REQUIRE(entries.erase(name("never"), blob.digest));
  CHECK(entries.find(name("b"), blob.digest).value());
}

TEST_CASE("a cached statter answers the truth and counts") {
  const std::string kind = GENERATE("memory", "redis");
  CAPTURE(kind);
  auto subject = make(kind);
  if (!subject) return;
  cache::Cache cache(std::move(subject->entries));
  Backend backend;
  const auto statter = cache.before(backend, name("a"));
  const auto blob = descriptor_of("one");
  CHECK(statter->stat(blob.digest).error().code == Code::blob_unknown);
  backend.blobs.insert_or_assign(blob.digest.str(), blob);
  CHECK(statter->stat(blob.digest).value() == blob);
  const int stats = backend.stats;
  CHECK(statter->stat(blob.digest).value() == blob);
  CHECK(backend.stats == stats); // remembered, and confirmed
  backend.blobs.clear();         // another pool deleted it
  CHECK(statter->stat(blob.digest).error().code == Code::blob_unknown);
  backend.blobs.insert_or_assign(blob.digest.str(), blob);
  backend.blobs.at(blob.digest.str()).size = 99; // what is remembered differs
  statter->set_descriptor(blob.digest, blob);
  CHECK(statter->stat(blob.digest).value().size == 99);
  statter->clear(blob.digest);
  const cache::Counts counts = cache.counts();
  CHECK(counts.hits == 1);
  CHECK(counts.errors == 0);
  CHECK(counts.requests == counts.hits + counts.misses);
}

TEST_CASE("what is parked is not remembered, and what was collected is forgotten by all who believe what they read") {
  const std::string kind = GENERATE("memory", "redis");
  CAPTURE(kind);
  auto subject = make(kind);
  if (!subject) return;
  cache::Entries& entries = *subject->entries;
  cache::Cache cache(std::move(subject->entries));
  Backend backend;
  const auto statter = cache.before(backend, name("a"));
  const auto blob = descriptor_of("one"), other = descriptor_of("two");
  backend.blobs.insert_or_assign(blob.digest.str(), blob);
  backend.parked = true;
  CHECK(statter->find(blob.digest)->parked);
  CHECK_FALSE(entries.find(name("a"), blob.digest).value());
  backend.parked = false;
  CHECK_FALSE(statter->find(blob.digest)->parked);
  CHECK(entries.find(name("a"), blob.digest).value());
  REQUIRE(entries.put(name("a"), other.digest, other));
  cache.forget({blob.digest});
  if (kind == "redis") CHECK_FALSE(entries.find(name("a"), blob.digest).value());
  CHECK(entries.find(name("a"), other.digest).value());
  if (kind == "redis") CHECK(subject->server->ask({"EXISTS", "blobs::" + blob.digest.str()}).integer == 0);
}

TEST_CASE("redis holds docker/distribution's keys") {
  auto subject = make("redis");
  if (!subject) return;
  Server& server = *subject->server;
  const auto blob = descriptor_of("one");
  const std::string digest = blob.digest.str();
  REQUIRE(subject->entries->put(name("a/b"), blob.digest, blob));
  CHECK(server.ask({"SISMEMBER", "repository::a/b::blobs", digest}).integer == 1);
  CHECK(server.ask({"HGET", "blobs::" + digest, "digest"}).text == digest);
  CHECK(server.ask({"HGET", "blobs::" + digest, "size"}).text == "3");
  CHECK(server.ask({"HGET", "blobs::" + digest, "mediatype"}).text == "application/octet-stream");
  CHECK(server.ask({"HGET", "repository::a/b::blobs::" + digest, "mediatype"}).text == "application/octet-stream");
  CHECK(server.ask({"TTL", "blobs::" + digest}).integer == -1);
  CHECK(server.ask({"DBSIZE"}).integer == 3);
  REQUIRE(subject->entries->erase(name("a/b"), blob.digest));
  CHECK(server.ask({"DBSIZE"}).integer == 0);
}

TEST_CASE("parts that are missing in redis, or rubbish, are no entry") {
  auto subject = make("redis");
  if (!subject) return;
  Server& server = *subject->server;
  const auto blob = descriptor_of("one");
  const std::string global = "blobs::" + blob.digest.str();
  const auto spoil =
      GENERATE(as<cache::RedisCommand>(), cache::RedisCommand{"HDEL", "GLOBAL", "size"},
               cache::RedisCommand{"HSET", "GLOBAL", "size", "-1"}, cache::RedisCommand{"HSET", "GLOBAL", "size", "3x"},
               cache::RedisCommand{"HSET", "GLOBAL", "size", "99999999999999999999"},
               cache::RedisCommand{"HSET", "GLOBAL", "digest", "sha256:xyz"},
               cache::RedisCommand{"HSET", "GLOBAL", "digest", "../../etc"}, cache::RedisCommand{"DEL", "OWN"},
               cache::RedisCommand{"DEL", "GLOBAL"});
  REQUIRE(subject->entries->put(name("a"), blob.digest, blob));
  cache::RedisCommand command = spoil;
  if (command[1] == "GLOBAL") command[1] = global;
  if (command[1] == "OWN") command[1] = "repository::a::" + global;
  CHECK(server.ask(command).kind != cache::RedisReply::Kind::error);
  const auto found = subject->entries->find(name("a"), blob.digest);
  REQUIRE(found);
  CHECK_FALSE(*found);
  REQUIRE(subject->entries->put(name("a"), blob.digest, blob));
  CHECK(subject->entries->find(name("a"), blob.digest).value() == blob);
  CHECK(subject->log.lines.empty());
}

TEST_CASE("redis: an outage costs errors, one line, and no revocation") {
  auto subject = make("redis");
  if (!subject) return;
  cache::Entries& entries = *subject->entries;
  const auto blob = descriptor_of("one"), kept = descriptor_of("two");
  REQUIRE(entries.put(name("a"), blob.digest, blob));

  SECTION("a restarted server is met by a new connection") {
    subject->server->stop();
    subject->server->start();
    CHECK(entries.find(name("a"), blob.digest));
    CHECK(subject->log.lines.empty());
  }
  SECTION("a server that is gone") {
    subject->server->stop();
    for (int i = 0; i < 100; ++i) CHECK_FALSE(entries.find(name("a"), blob.digest));
    CHECK(subject->log.lines.size() == 1);
    CHECK_FALSE(entries.erase(name("a"), blob.digest));
    CHECK_FALSE(entries.erase(name("a"), kept.digest));
    subject->server->start();
    // As if it had kept its memory.
    const auto fresh = cache::Redis::make(subject->server->options(), subject->log).value();
    REQUIRE(fresh->put(name("a"), blob.digest, blob));
    REQUIRE(fresh->put(name("a"), kept.digest, kept));
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!entries.find(name("a"), sha256_of("anything"))) REQUIRE(std::chrono::steady_clock::now() < deadline);
    CHECK_FALSE(entries.find(name("a"), blob.digest).value());
    CHECK_FALSE(entries.find(name("a"), kept.digest).value());
    CHECK(subject->log.lines.size() == 2);
  }
  SECTION("a server without memory") {
    CHECK(subject->server->ask({"CONFIG", "SET", "maxmemory", "1"}).text == "OK");
    for (int i = 0; i < 20; ++i) {
      CHECK(entries.find(name("a"), blob.digest).value() == blob);
      CHECK_FALSE(entries.put(name("a"), kept.digest, kept));
    }
    CHECK(subject->log.lines.size() == 1);
  }
  SECTION("a key of another type") {
    subject->server->ask({"SET", "repository::b::blobs", "rubbish"});
    CHECK_FALSE(entries.find(name("b"), blob.digest));
    CHECK(entries.find(name("a"), blob.digest).value() == blob);
  }
  SECTION("a server that does not answer") {
    subject->server->ask({"CLIENT", "PAUSE", "60000", "ALL"});
    const auto started = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) CHECK_FALSE(entries.find(name("a"), blob.digest));
    CHECK(std::chrono::steady_clock::now() - started < 5s);
    CHECK(subject->log.lines.size() == 1);
  }
}
