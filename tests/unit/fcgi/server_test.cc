// The pool on a real socket, spoken to as nginx does.
#include <catch2/catch.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "fcgi/admission.h"
#include "fcgi/held_replies.h"
#include "fcgi/server.h"
#include "http/limits.h"
#include "unit/temp_dir.h"

using namespace berth;

namespace {

constexpr int reply_milliseconds = 30000;

// FastCGI's records, as far as a responder needs them.
enum : unsigned char { begin_request = 1, end_request = 3, params = 4, stdin_data = 5, stdout_data = 6 };

std::string record(unsigned char type, std::string_view content) {
  std::string text{1,
                   static_cast<char>(type),
                   0,
                   1,
                   static_cast<char>(content.size() >> 8),
                   static_cast<char>(content.size() & 255),
                   0,
                   0};
  return text.append(content);
}

std::string stream(unsigned char type, std::string_view content) {
  std::string text;
  for (; !content.empty(); content.remove_prefix(std::min<std::size_t>(content.size(), 60000)))
    text += record(type, content.substr(0, 60000));
  return text + record(type, {});
}

std::string pair(std::string_view name, std::string_view value) {
  std::string text{static_cast<char>(name.size()), static_cast<char>(value.size())};
  return text.append(name).append(value);
}

enum class After : char { close = 0, keep = 1 }; // what nginx asks for

std::string request(std::string_view method, std::string_view target, std::string_view body, std::string_view more = {},
                    After after = After::close) {
  const char keep_connection = static_cast<char>(after);
  std::string parameters = pair("REQUEST_METHOD", method) + pair("REQUEST_URI", target) + std::string(more);
  return record(begin_request, std::string{0, 1, keep_connection, 0, 0, 0, 0, 0}) + stream(params, parameters) +
         stream(stdin_data, body);
}

std::string kept(std::string_view method, std::string_view target, std::string_view body = {}) {
  return request(method, target, body, {}, After::keep);
}

// Answers with what it was asked; waits on /wait until it may go on, and leaves on /leave until somebody asks for /end.
class Echo final : public http::Handler {
public:
  http::Response handle(http::Request& request) override {
    if (request.target == "/wait") {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return released_ || let_go_ > 0; });
      --let_go_;
    }
    http::Response response;
    if (request.target == "/end") work_->end();
    if (request.target == "/leave" && request.waiting.ended == nullptr) {
      request.waiting.awaited = work_;
      ++left;
      return response;
    }
    response.headers.add("Size", request.body_too_large ? "too large" : std::to_string(request.body.size()));
    response.headers.add("In", request.body.is_file() ? "file" : "memory");
    response.body = request.method + " " + request.target;
    response.is_held = request.target == "/often";
    if (request.target == "/file") response.body = http::StoreFile{};
    return response;
  }
  http::Response refuse(const http::Request&, const Error& why) override {
    http::Response response;
    response.status = 400;
    response.body = why.detail;
    return response;
  }
  http::Cost cost_of(http::Request& request) const override {
    if (request.method == "GET") return http::Cost::quick;
    return request.target == "/unpacks" ? http::Cost::unpacks : http::Cost::slow;
  }
  // How many have come to /wait so far.
  int waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }
  void let_one_go() {
    const std::lock_guard lock(mutex_);
    ++let_go_;
    changed_.notify_one();
  }
  void wait_until_waiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

  std::atomic<int> left = 0;

private:
  const std::shared_ptr<Awaited> work_ = std::make_shared<Awaited>();
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0, let_go_ = 0;
  bool released_ = false;
};

class Pool {
public:
  explicit Pool(unsigned threads, unsigned long_bodies = 16)
      : server_({listen(), threads, long_bodies, spool.path()}, echo, log_) {
    thread_ = std::thread([this] {
      ended_well_ = server_.run().has_value();
      ended = true;
    });
  }
  ~Pool() {
    echo.release();
    server_.stop();
    thread_.join();
    CHECK(ended_well_);
  }
  void stop() { server_.stop(); }

  // Another pool on the same socket.
  std::unique_ptr<fcgi::Server> share(unsigned threads) {
    return std::make_unique<fcgi::Server>(fcgi::Options{listening_.get(), threads, 16, spool.path()}, echo, log_);
  }

  int connect() const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0);
    return fd;
  }
  static void send(const UniqueFd& fd, const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t count = ::send(fd.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      REQUIRE(count > 0);
      sent += static_cast<std::size_t>(count);
    }
  }
  // Sends a request on a connection of its own and returns the connection.
  UniqueFd begin(const std::string& bytes) const {
    UniqueFd fd(connect());
    send(fd, bytes);
    return fd;
  }
  // Some bytes; empty at the end of the connection.
  static std::string receive(const UniqueFd& fd) {
    char buffer[65536];
    pollfd ready{fd.get(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, reply_milliseconds) == 1);
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  }
  // One reply, the records taken off.
  static std::string read_reply(const UniqueFd& fd) {
    std::string bytes, reply;
    for (std::size_t at = 0;;) {
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
      while (bytes.size() < at + 8 || bytes.size() < at + 8 + byte(4) * 256U + byte(5) + byte(6)) {
        const std::string more = receive(fd);
        if (more.empty()) return reply;
        bytes += more;
      }
      const std::size_t length = byte(4) * 256U + byte(5), padding = byte(6);
      if (byte(1) == end_request) {
        CHECK(bytes.size() == at + 8 + length + padding); // nginx keeps the connection only then
        return reply;
      }
      if (byte(1) == stdout_data) reply += bytes.substr(at + 8, length);
      at += 8 + length + padding;
    }
  }
  std::string ask(const std::string& bytes) const { return read_reply(begin(bytes)); }
  static std::string ask(const UniqueFd& on, const std::string& bytes) {
    send(on, bytes);
    return read_reply(on);
  }
  static bool is_closed(const UniqueFd& fd) { return receive(fd).empty(); }

  test::TempDir spool;
  Echo echo;
  std::atomic<bool> ended = false;

private:
  int listen() {
    const std::string path = spool.path() + "/pool.sock";
    address_.sun_family = AF_UNIX;
    path.copy(address_.sun_path, sizeof address_.sun_path - 1);
    listening_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0);
    REQUIRE(::listen(listening_.get(), 100) == 0);
    return listening_.get();
  }

  NullLogger log_;
  sockaddr_un address_{};
  UniqueFd listening_;
  fcgi::Server server_;
  std::thread thread_;
  bool ended_well_ = false;
};

std::string reply_of(std::string_view body, std::string_view size, std::string_view in = "memory") {
  return "Status: 200 OK\r\nSize: " + std::string(size) + "\r\nIn: " + std::string(in) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

} // namespace

// First, for libfcgi takes the signals once a process, and only those whose action is the default.
TEST_CASE("the application's signal actions are left alone") {
  struct sigaction before[2], found{};
  const int numbers[] = {SIGTERM, SIGUSR1};
  for (int i = 0; i < 2; ++i) {
    struct sigaction by_default{};
    by_default.sa_handler = SIG_DFL;
    REQUIRE(::sigaction(numbers[i], &by_default, &before[i]) == 0); // Catch2 has its own
  }
  {
    Pool pool(1);
  }
  for (int i = 0; i < 2; ++i) {
    REQUIRE(::sigaction(numbers[i], &before[i], &found) == 0);
    CHECK(found.sa_handler == SIG_DFL);
  }
}

TEST_CASE("requests are answered, a connection each if nginx wants it so") {
  Pool pool(2);
  const UniqueFd connection = pool.begin(request("GET", "/x", ""));
  CHECK(Pool::read_reply(connection) == reply_of("GET /x", "0"));
  CHECK(Pool::is_closed(connection));
  for (int i = 0; i < 20; ++i) CHECK(pool.ask(request("GET", "/x", "")) == reply_of("GET /x", "0"));
  CHECK(pool.ask(request("PUT", "/x", "12345", pair("CONTENT_LENGTH", "5"))) == reply_of("PUT /x", "5"));
}

TEST_CASE("many connections at once are all answered") {
  Pool pool(3);
  std::vector<UniqueFd> connections;
  for (int i = 0; i < 50; ++i) connections.push_back(pool.begin(request("GET", "/" + std::to_string(i), "")));
  for (int i = 0; i < 50; ++i) {
    CHECK(Pool::read_reply(connections[static_cast<std::size_t>(i)]) == reply_of("GET /" + std::to_string(i), "0"));
  }
}

TEST_CASE("a body comes in memory up to a limit, or in the file that nginx spooled") {
  Pool pool(1);
  const std::string most(http::max_body_in_memory, 'x');
  CHECK(pool.ask(request("PUT", "/", most)) == reply_of("PUT /", std::to_string(most.size())));
  CHECK(pool.ask(request("PUT", "/", most + "x")) == reply_of("PUT /", "too large"));

  const std::string file = pool.spool.write("0000000001", "spooled");
  const std::string named = pair("BERTH_BODY_FILE", file);
  CHECK(pool.ask(request("PUT", "/", "", named + pair("CONTENT_LENGTH", "7"))) == reply_of("PUT /", "7", "file"));
}

TEST_CASE("a body of another length is refused") {
  Pool pool(1);
  for (const std::string length : {"4", "6"}) {
    const std::string reply = pool.ask(request("PUT", "/", "12345", pair("CONTENT_LENGTH", length)));
    CHECK(reply.starts_with("Status: 400 "));
    CHECK(reply.ends_with("the body is not as long as Content-Length says"));
  }
}

TEST_CASE("what is no FastCGI, or stops in the middle, harms nobody else") {
  Pool pool(1);
  const std::string whole = request("PUT", "/x", "12345", pair("CONTENT_LENGTH", "5"));
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n\r\n"), whole.substr(0, 4), whole.substr(0, 20),
        whole.substr(0, whole.size() - 10), std::string(1000, '\0'), std::string(1000, '\xff')})
    pool.begin(bytes); // and closes the connection
  CHECK(pool.ask(whole) == reply_of("PUT /x", "5"));
}

TEST_CASE("no more long bodies are worked on at once than may be, and those that wait hold no thread") {
  Pool pool(3, 2);
  const std::string file = pool.spool.path() + "/0000000001";
  std::ofstream(file).close();
  std::filesystem::resize_file(file, fcgi::long_body_bytes); // takes no room on the disk
  const std::string length = std::to_string(fcgi::long_body_bytes);
  const auto put = [&](std::string_view target) {
    return request("PUT", target, "", pair("BERTH_BODY_FILE", file) + pair("CONTENT_LENGTH", length));
  };
  std::vector<UniqueFd> waiting;
  for (int i = 0; i < 5; ++i) waiting.push_back(pool.begin(put("/wait")));
  pool.echo.wait_until_waiting(2);

  CHECK(pool.ask(request("GET", "/a", "")) == reply_of("GET /a", "0"));
  CHECK(pool.ask(request("PUT", "/b", "x")) == reply_of("PUT /b", "1"));
  CHECK(pool.ask(put("/unpacks")) == reply_of("PUT /unpacks", length, "file")); // takes turns elsewhere
  CHECK(pool.echo.waiting() == 2);
  for (int in = 3; in <= 5; ++in) { // one out, one in
    pool.echo.let_one_go();
    pool.echo.wait_until_waiting(in);
    CHECK(pool.echo.waiting() == in);
  }
  pool.echo.release();
  for (const UniqueFd& fd : waiting) CHECK(Pool::read_reply(fd) == reply_of("PUT /wait", length, "file"));
}

TEST_CASE(
    "requests that leave hold no thread and no place of a long body, and are answered when what they await is over") {
  Pool pool(1, 1);
  const std::string file = pool.spool.path() + "/0000000001";
  std::ofstream(file).close();
  std::filesystem::resize_file(file, fcgi::long_body_bytes);
  const std::string length = std::to_string(fcgi::long_body_bytes);
  const auto put = [&](std::string_view target) {
    return request("PUT", target, "", pair("BERTH_BODY_FILE", file) + pair("CONTENT_LENGTH", length));
  };
  std::vector<UniqueFd> left, longs;
  for (int i = 0; i < 50; ++i) left.push_back(pool.begin(request("PUT", "/leave", "body")));
  for (int i = 0; i < 3; ++i) longs.push_back(pool.begin(put("/leave")));
  CHECK(pool.ask(request("GET", "/a", "")) == reply_of("GET /a", "0"));
  CHECK(pool.ask(put("/b")) == reply_of("PUT /b", length, "file"));
  while (pool.echo.left < 53) std::this_thread::yield();

  CHECK(pool.ask(request("GET", "/end", "")) == reply_of("GET /end", "0"));
  for (const UniqueFd& fd : left) CHECK(Pool::read_reply(fd) == reply_of("PUT /leave", "4"));
  for (const UniqueFd& fd : longs) CHECK(Pool::read_reply(fd) == reply_of("PUT /leave", length, "file"));
  CHECK(pool.ask(request("GET", "/leave", "")) == reply_of("GET /leave", "0")); // it is over already
}

TEST_CASE("a reply to who asks too often is held, without a thread; beyond a number they are sent at once") {
  Pool pool(1);
  const auto began = std::chrono::steady_clock::now();
  std::vector<UniqueFd> held;
  for (std::size_t i = 0; i < fcgi::max_held_replies; ++i) held.push_back(pool.begin(kept("GET", "/often")));
  CHECK(pool.ask(request("GET", "/a", "")) == reply_of("GET /a", "0"));
  const auto asked = std::chrono::steady_clock::now();
  CHECK(pool.ask(request("GET", "/often", "")) == reply_of("GET /often", "0"));
  CHECK(std::chrono::steady_clock::now() - asked < fcgi::held_for);
  for (const UniqueFd& fd : held) CHECK(Pool::read_reply(fd) == reply_of("GET /often", "0"));
  CHECK(std::chrono::steady_clock::now() - began >= fcgi::held_for);
  CHECK(Pool::ask(held.front(), kept("GET", "/b")) == reply_of("GET /b", "0")); // the connection was kept
}

TEST_CASE("stop sends what is held") {
  UniqueFd held;
  {
    Pool pool(1);
    held = pool.begin(request("GET", "/often", ""));
    CHECK(pool.ask(request("GET", "/a", "")) == reply_of("GET /a", "0")); // the one thread has had the other before
  }
  CHECK(Pool::read_reply(held) == reply_of("GET /often", "0"));
}

TEST_CASE("stop answers the long bodies that wait, too") {
  Pool pool(2, 1);
  const std::string file = pool.spool.path() + "/0000000001";
  std::ofstream(file).close();
  std::filesystem::resize_file(file, fcgi::long_body_bytes);
  std::vector<UniqueFd> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(pool.begin(request("PUT", "/wait", "", pair("BERTH_BODY_FILE", file))));
  pool.echo.wait_until_waiting(1);
  CHECK(pool.ask(request("GET", "/a", "")) == reply_of("GET /a", "0")); // the others have come before
  pool.stop();
  pool.echo.release();
  for (const UniqueFd& fd : waiting) CHECK(Pool::read_reply(fd).starts_with("Status: 200"));
}

TEST_CASE("stop lets the requests at work finish, and ends") {
  Pool pool(3);
  const UniqueFd first = pool.begin(request("GET", "/wait", "")), second = pool.begin(request("GET", "/wait", ""));
  pool.echo.wait_until_waiting(2);
  pool.stop();
  const UniqueFd late = pool.begin(request("GET", "/late", "")); // may be taken by a thread that is just about to stop
  CHECK_FALSE(pool.ended);
  pool.echo.release();
  CHECK(Pool::read_reply(first) == reply_of("GET /wait", "0"));
  CHECK(Pool::read_reply(second) == reply_of("GET /wait", "0"));
}

TEST_CASE("a connection that is kept has one request after the other") {
  Pool pool(2);
  const UniqueFd connection(pool.connect());
  for (int i = 0; i < 50; ++i) {
    const std::string target = "/" + std::to_string(i);
    CHECK(Pool::ask(connection, kept("GET", target)) == reply_of("GET " + target, "0"));
    CHECK(Pool::ask(connection, kept("PUT", target, std::string(20000, 'x'))) == reply_of("PUT " + target, "20000"));
  }
  // A body that is too large is read to its end all the same.
  const std::string most(http::max_body_in_memory + 1, 'x');
  CHECK(Pool::ask(connection, kept("PUT", "/", most)) == reply_of("PUT /", "too large"));
  CHECK(Pool::ask(connection, kept("GET", "/last")) == reply_of("GET /last", "0"));
  CHECK(Pool::ask(connection, request("GET", "/last", "")) == reply_of("GET /last", "0"));
  CHECK(Pool::is_closed(connection));
}

TEST_CASE("nginx closes after HEAD and X-Accel-Redirect, and so does the pool") {
  Pool pool(1);
  for (const auto& [method, target] : {std::pair("HEAD", "/x"), std::pair("GET", "/file")}) {
    const UniqueFd connection = pool.begin(kept(method, target));
    CHECK(Pool::read_reply(connection).starts_with("Status: 200 OK\r\n"));
    CHECK(Pool::is_closed(connection));
  }
}

TEST_CASE("a connection is kept after HEAD if nginx says that it reads to the end") {
  Pool pool(1);
  const UniqueFd connection(pool.connect());
  for (int i = 0; i < 3; ++i) {
    const std::string head = request("HEAD", "/x", "", pair("BERTH_READS_HEAD", "1"), After::keep);
    CHECK(Pool::ask(connection, head).starts_with("Status: 200 OK\r\n"));
  }
  CHECK(Pool::ask(connection, kept("GET", "/x")) == reply_of("GET /x", "0"));
}

TEST_CASE("connections without a request hold no thread") {
  Pool pool(1);
  std::vector<UniqueFd> idle, silent;
  for (int i = 0; i < 40; ++i) {
    silent.emplace_back(pool.connect());
    idle.emplace_back(pool.connect());
    CHECK(Pool::ask(idle.back(), kept("GET", "/x")) == reply_of("GET /x", "0"));
  }
  CHECK(pool.ask(request("GET", "/new", "")) == reply_of("GET /new", "0"));
  for (const std::vector<UniqueFd>* some : {&idle, &silent})
    for (const UniqueFd& connection : *some)
      CHECK(Pool::ask(connection, kept("GET", "/again")) == reply_of("GET /again", "0"));
}

TEST_CASE("half a request holds a thread, and not the others") {
  Pool pool(2);
  const UniqueFd half = pool.begin(kept("GET", "/half").substr(0, 30));
  for (int i = 0; i < 20; ++i) CHECK(pool.ask(request("GET", "/x", "")) == reply_of("GET /x", "0"));
  Pool::send(half, kept("GET", "/half").substr(30));
  CHECK(Pool::read_reply(half) == reply_of("GET /half", "0"));
}

TEST_CASE("connections that nginx closes are let go") {
  Pool pool(2);
  pool.ask(request("GET", "/x", ""));
  const auto descriptors = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const auto before = descriptors();
  {
    std::vector<UniqueFd> idle;
    for (int i = 0; i < 60; ++i) {
      idle.emplace_back(pool.connect());
      if (i % 2 == 0) Pool::ask(idle.back(), kept("GET", "/x"));
    }
    CHECK(descriptors() > before + 60);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(reply_milliseconds);
  while (descriptors() > before && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(descriptors() <= before);
}

TEST_CASE("no more connections are kept than a third of the descriptors there are") {
  constexpr rlim_t descriptors = 300;
  rlimit before{}, few{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  few = before;
  few.rlim_cur = descriptors;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  {
    Pool pool(2);
    std::vector<UniqueFd> connections;
    for (rlim_t i = 0; i < descriptors / 3; ++i) {
      connections.emplace_back(pool.connect());
      Pool::ask(connections.back(), kept("GET", "/x"));
    }
    // Which of them are closed is the pool's affair: a thread may look at the number when it has grown again.
    for (int i = 0; i < 3; ++i) {
      connections.push_back(pool.begin(kept("GET", "/more")));
      CHECK(Pool::read_reply(connections.back()) == reply_of("GET /more", "0"));
    }
    std::vector<pollfd> ends;
    for (const UniqueFd& connection : connections) ends.push_back({connection.get(), POLLIN, 0});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(reply_milliseconds);
    while (::poll(ends.data(), ends.size(), reply_milliseconds) < 3 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    for (std::size_t i = 0; i < connections.size(); ++i)
      if (ends[i].revents == 0) CHECK(Pool::ask(connections[i], kept("GET", "/again")) == reply_of("GET /again", "0"));
    CHECK(std::ranges::count_if(ends, [](const pollfd& end) { return end.revents != 0; }) == 3);
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("stop answers what was asked on kept connections, and closes the idle ones") {
  Pool pool(1);
  const UniqueFd idle(pool.connect()), asked(pool.connect()), silent(pool.connect());
  Pool::ask(idle, kept("GET", "/x"));
  Pool::ask(asked, kept("GET", "/x"));
  const UniqueFd busy = pool.begin(kept("GET", "/wait"));
  pool.echo.wait_until_waiting(1);
  Pool::send(asked, kept("GET", "/asked")); // the only thread is busy
  pool.stop();
  pool.echo.release();
  CHECK(Pool::read_reply(busy) == reply_of("GET /wait", "0"));
  CHECK(Pool::read_reply(asked) == reply_of("GET /asked", "0"));
  for (const UniqueFd* connection : {&busy, &asked}) CHECK(Pool::is_closed(*connection));
  // Accepted, and not yet written to when the pool stopped: nginx is about to.
  CHECK(Pool::ask(silent, request("GET", "/first", "")) == reply_of("GET /first", "0"));
  CHECK(Pool::is_closed(idle));
}

TEST_CASE("a kept connection on which a request waits too long is closed, for another pool to be asked") {
  Pool pool(1);
  const UniqueFd kept_one(pool.connect()), silent(pool.connect());
  Pool::ask(kept_one, kept("GET", "/x"));
  const UniqueFd busy = pool.begin(kept("GET", "/wait"));
  pool.echo.wait_until_waiting(1);
  Pool::send(kept_one, kept("GET", "/y"));
  Pool::send(silent, kept("GET", "/first")); // would not be asked again
  CHECK(Pool::is_closed(kept_one));
  pool.echo.release();
  CHECK(Pool::read_reply(busy) == reply_of("GET /wait", "0"));
  CHECK(Pool::read_reply(silent) == reply_of("GET /first", "0"));
}

// The kernel wakes one pool for a connection; should that one be about to stop, the connection must not be forgotten.
TEST_CASE("a pool that stops leaves no connection to nobody") {
  constexpr int rounds = 200;
  Pool pool(2);
  for (int round = 0; round < rounds; ++round) {
    const auto other = pool.share(4);
    bool ended_well = false;
    std::thread runs([&] { ended_well = other->run().has_value(); });
    std::thread stops;
    for (int i = 0; i < 20; ++i) {
      if (i == 10) stops = std::thread([&] { other->stop(); });
      REQUIRE(pool.ask(request("GET", "/x", "")) == reply_of("GET /x", "0"));
    }
    stops.join();
    runs.join();
    CHECK(ended_well);
  }
}

TEST_CASE("stop before run makes run return") {
  NullLogger log;
  Echo echo;
  test::TempDir dir;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const UniqueFd one(ends[0]), other(ends[1]);
  fcgi::Server server({one.get(), 4, 16, dir.path()}, echo, log);
  server.stop();
  CHECK(server.run());
}
