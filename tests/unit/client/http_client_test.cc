// What goes out, what comes back, and where it ends, against a server of the test's own.
#include "client/http_client.h"

#include <fcntl.h>

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include "base/unique_fd.h"
#include "unit/http_server.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::client;
using test::reply;
using test::Server;
using namespace std::chrono_literals;

namespace {

std::string to(const std::string& url, int status = 302) { return reply(status, "", "Location: " + url + "\r\n"); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a GET brings status and body") {
  Server server([](const auto&) { return reply(404, "nothing here"); });
  const auto got =
      perform({.url = server.url("/a?b"), .headers = {{"X-One", "1"}, {"X-None", ""}}, .max_reply_bytes = 100});
  REQUIRE(got);
  CHECK(got->status == 404);
  CHECK(got->body == "nothing here");
  const std::string request = server.requests().at(0);
  CHECK(request.starts_with("GET /a?b HTTP/1.1\r\n"));
  CHECK(has(request, "\r\nUser-Agent: berth\r\n"));
  CHECK(has(request, "\r\nX-One: 1\r\n"));
  CHECK((has(request, "\r\nX-None:\r\n") || has(request, "\r\nX-None: \r\n")));
}

TEST_CASE("a POST sends its body at once, a HEAD has none") {
  Server server([](const auto& request) { return request.starts_with("HEAD") ? reply(200, "") : reply(202, ""); });
  CHECK(perform({.method = "POST", .url = server.url(), .user_agent = "", .body = std::string(5000, 'x')})->status ==
        202);
  CHECK(perform({.method = "HEAD", .url = server.url()})->status == 200);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].starts_with("POST / "));
  CHECK(requests[0].ends_with("\r\n\r\n" + std::string(5000, 'x')));
  CHECK_FALSE(has(requests[0], "Expect"));
  CHECK_FALSE(has(requests[0], "User-Agent"));
  CHECK(requests[1].starts_with("HEAD / "));
}

TEST_CASE("a reply may be as long as it is allowed to be") {
  Server server([](const auto&) { return reply(200, std::string(1000, 'x')); });
  CHECK(perform({.url = server.url(), .max_reply_bytes = 1000})->body.size() == 1000);
  const auto longer = perform({.url = server.url(), .max_reply_bytes = 999});
  REQUIRE_FALSE(longer);
  CHECK(longer.error().code == Code::size_invalid);
}

TEST_CASE("a body that nobody wants is cut, and the status counts") {
  Server server([](const auto&) { return reply(201, std::string(2'000'000, 'x')); });
  const auto got = perform({.url = server.url()});
  REQUIRE(got);
  CHECK(got->status == 201);
  CHECK(got->body.empty());
}

TEST_CASE("a redirect is followed if that is asked for, and on the same host") {
  Server other([](const auto&) { return reply(200, "other"); });
  std::string base;
  Server server([&](const std::string& request) {
    if (request.starts_with("GET /away ")) return to(other.url());
    if (request.starts_with("GET /user ")) return to("http://127.0.0.1@" + other.address() + "/");
    if (request.starts_with("GET /round ")) return to("/round");
    if (request.starts_with("GET /here ")) return to("/there");
    if (request.starts_with("GET /full ")) return to(base + "/there");
    return reply(200, "there");
  });
  base = server.url("");
  const auto get = [&](const std::string& path, unsigned redirects, bool to_other_hosts = false) {
    return perform({.url = server.url(path),
                    .max_reply_bytes = 100,
                    .max_redirects = redirects,
                    .to_other_hosts = to_other_hosts});
  };
  CHECK(get("/here", 0)->status == 302);
  CHECK(get("/here", 1)->body == "there");
  CHECK(get("/full", 1)->body == "there");
  CHECK(get("/away", 1).error().message == "a redirect to another host");
  CHECK(get("/user", 1).error().message == "a redirect to another host");
  CHECK(other.connections() == 0);
  CHECK(get("/round", 3).error().message == "too many redirects");
  CHECK(get("/away", 3, true)->body == "other");
  CHECK(get("/round", 3, true).error().code == Code::io);
}

TEST_CASE("a redirected POST is posted again") {
  Server server([&](const std::string& request) {
    return request.starts_with("POST /first ") ? to("/second", 301) : reply(200, "");
  });
  for (const bool anywhere : {false, true})
    CHECK(perform({.method = "POST",
                   .url = server.url("/first"),
                   .body = "event",
                   .max_redirects = 3,
                   .to_other_hosts = anywhere})
              ->status == 200);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 4);
  CHECK((requests[1].starts_with("POST /second ") && requests[1].ends_with("\r\n\r\nevent")));
  CHECK((requests[3].starts_with("POST /second ") && requests[3].ends_with("\r\n\r\nevent")));
}

TEST_CASE("https only means that") {
  Server server([](const auto&) { return reply(200, ""); });
  const auto plain = perform({.url = server.url(), .https_only = true});
  REQUIRE_FALSE(plain);
  CHECK(plain.error().code == Code::io);
  CHECK_FALSE(perform({.url = "file:///etc/hostname", .max_reply_bytes = 1000}));
  CHECK_FALSE(perform({.url = "gopher://" + server.address() + "/", .max_reply_bytes = 1000}));
  CHECK(server.connections() == 0);
}

TEST_CASE("a failure has a particular text and a general one, and no secret of the URL") {
  std::string address;
  {
    Server gone([](const auto&) { return reply(200, ""); });
    address = gone.address();
  }
  const auto refused = perform({.url = "http://user:secret@" + address + "/?token=secret"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::io);
  CHECK(has(refused.error().message, "127.0.0.1"));
  CHECK_FALSE(has(refused.error().message, "secret"));
  CHECK_FALSE(has(refused.error().detail, "127.0.0.1"));
  CHECK_FALSE(refused.error().detail.empty());
}

TEST_CASE("a server that does not answer is left when the time is up") {
  Server server([](const auto&) { return std::string(); });
  const auto begin = std::chrono::steady_clock::now();
  const auto late = perform({.url = server.url(), .timeout = 200ms});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Code::io);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("a client keeps its connection, and forgets all else") {
  Server server([](const auto&) { return reply(200, "body"); });
  const auto client = HttpClient::make().value();
  CHECK(client->perform({.method = "POST", .url = server.url(), .headers = {{"X-One", "1"}}, .body = "b"})->body == "");
  CHECK(client->perform({.url = server.url(), .max_reply_bytes = 9})->body == "body");
  CHECK(server.connections() == 1);
  CHECK(server.requests()[1].starts_with("GET / "));
  CHECK_FALSE(has(server.requests()[1], "X-One"));
}

TEST_CASE("a client that is stopped ends its request, and sends no other") {
  Server server([](const auto&) { return std::string(); });
  const auto client = HttpClient::make().value();
  std::jthread stopper([&] {
    while (server.requests().empty()) std::this_thread::yield();
    client->stop();
  });
  for (int i = 0; i < 2; ++i) {
    const auto stopped = client->perform({.url = server.url(), .timeout = 60s});
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == Code::unavailable);
  }
  CHECK(server.requests().size() == 1);
}

TEST_CASE("whether something listens") {
  std::string address;
  {
    Server server([](const auto&) { return reply(200, ""); });
    address = server.address();
    CHECK(connect(address, 5s));
  }
  const auto refused = connect(address, 5s);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::io);
  CHECK_FALSE(refused.error().detail.empty());
}

TEST_CASE("a PUT sends bytes, or a part of a file, and a reply's headers come with it") {
  Server server([](const auto&) { return reply(200, "", "ETag: \"abc\"\r\nX-Empty:\r\n"); });
  const auto from_memory = perform({.method = "PUT", .url = server.url("/a"), .body = "from memory"});
  REQUIRE(from_memory);
  CHECK(from_memory->header("etag") == "\"abc\"");
  CHECK(from_memory->header("x-empty").empty());
  CHECK(from_memory->header("x-none").empty());
  test::TempDir dir;
  const UniqueFd file(::open(dir.write("file", "0123456789").c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(perform({.method = "PUT", .url = server.url("/b"), .file = FilePart{file.get(), 3, 5}}));
  CHECK(perform({.method = "PUT", .url = server.url("/c")}));
  CHECK(perform({.method = "DELETE", .url = server.url("/d")}));
  const auto requests = server.requests();
  REQUIRE(requests.size() == 4);
  CHECK(requests[0].starts_with("PUT /a "));
  CHECK(requests[0].ends_with("\r\n\r\nfrom memory"));
  CHECK_FALSE(has(requests[0], "Expect"));
  CHECK(requests[1].ends_with("\r\n\r\n34567"));
  CHECK(has(requests[2], "\r\nContent-Length: 0\r\n"));
  CHECK(requests[3].starts_with("DELETE /d "));
}

TEST_CASE("a PUT of a file that became shorter fails") {
  Server server([](const auto&) { return reply(200, ""); });
  test::TempDir dir;
  const UniqueFd file(::open(dir.write("file", "0123456789").c_str(), O_RDONLY | O_CLOEXEC));
  CHECK_FALSE(perform({.method = "PUT", .url = server.url(), .file = FilePart{file.get(), 3, 50}, .timeout = 2s}));
}
