// The pool on a real socket, spoken to as nginx does.
#include <catch2/catch.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "fcgi/server.h"
#include "http/limits.h"
#include "unit/temp_dir.h"

using namespace berth;

namespace {

constexpr int reply_milliseconds = 30000;

// FastCGI's records, as far as a responder needs them.
enum : unsigned char { begin_request = 1, params = 4, stdin_data = 5 };

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

std::string request(std::string_view method, std::string_view target, std::string_view body,
                    std::string_view more = {}) {
  const char keep_connection = 1; // asked for, and not granted
  std::string parameters = pair("REQUEST_METHOD", method) + pair("REQUEST_URI", target) + std::string(more);
  return record(begin_request, std::string{0, 1, keep_connection, 0, 0, 0, 0, 0}) + stream(params, parameters) +
         stream(stdin_data, body);
}

// Answers with what it was asked; waits on /wait until it may go on.
class Echo final : public http::Handler {
public:
  http::Response handle(http::Request& request) override {
    if (request.target == "/wait") {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return released_; });
    }
    http::Response response;
    response.headers.add("Size", request.body_too_large ? "too large" : std::to_string(request.body.size()));
    response.headers.add("In", request.body.is_file() ? "file" : "memory");
    response.body = request.method + " " + request.target;
    return response;
  }
  http::Response refuse(const http::Request&, const Error& why) override {
    http::Response response;
    response.status = 400;
    response.body = why.detail;
    return response;
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

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool released_ = false;
};

class Pool {
public:
  explicit Pool(unsigned threads) : server_({listen(), threads, spool.path()}, echo, log_) {
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

  int connect() const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0);
    return fd;
  }
  // Sends a request on a connection of its own and returns the connection.
  UniqueFd begin(const std::string& bytes) const {
    UniqueFd fd(connect());
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t count = ::send(fd.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      REQUIRE(count > 0);
      sent += static_cast<std::size_t>(count);
    }
    return fd;
  }
  // Everything up to the end of the connection, the records taken off.
  static std::string read_reply(const UniqueFd& fd) {
    std::string bytes;
    char buffer[65536];
    for (;;) {
      pollfd ready{fd.get(), POLLIN, 0};
      REQUIRE(::poll(&ready, 1, reply_milliseconds) == 1);
      const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
      if (count <= 0) break;
      bytes.append(buffer, static_cast<std::size_t>(count));
    }
    std::string reply;
    for (std::size_t at = 0; at + 8 <= bytes.size();) {
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
      const std::size_t length = byte(4) * 256U + byte(5), padding = byte(6);
      if (byte(1) == 6) reply += bytes.substr(at + 8, length);
      at += 8 + length + padding;
    }
    return reply;
  }
  std::string ask(const std::string& bytes) const { return read_reply(begin(bytes)); }

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

TEST_CASE("requests are answered, a connection each") {
  Pool pool(2);
  for (int i = 0; i < 20; ++i) CHECK(pool.ask(request("GET", "/x", "")) == reply_of("GET /x", "0"));
  CHECK(pool.ask(request("PUT", "/x", "12345", pair("CONTENT_LENGTH", "5"))) == reply_of("PUT /x", "5"));
}

TEST_CASE("many connections at once are all answered") {
  Pool pool(3);
  std::vector<UniqueFd> connections;
  for (int i = 0; i < 50; ++i) connections.push_back(pool.begin(request("GET", "/" + std::to_string(i), "")));
  for (int i = 0; i < 50; ++i) {
    UniqueFd& connection = connections[static_cast<std::size_t>(i)];
    CHECK(Pool::read_reply(connection) == reply_of("GET /" + std::to_string(i), "0"));
    connection.reset(); // as nginx does: libfcgi holds the thread until then, for two seconds at most
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

TEST_CASE("stop before run makes run return") {
  NullLogger log;
  Echo echo;
  test::TempDir dir;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const UniqueFd one(ends[0]), other(ends[1]);
  fcgi::Server server({one.get(), 4, dir.path()}, echo, log);
  server.stop();
  CHECK(server.run());
}
