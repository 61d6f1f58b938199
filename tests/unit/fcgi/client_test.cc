#include "fcgi/client.h"

#include <catch2/catch.hpp>

#include <sys/socket.h>

namespace berth::fcgi {
namespace {

std::string record(char type, const std::string& content, char padding = 0) {
  return std::string({1, type, 0, 1, static_cast<char>(content.size() / 256), static_cast<char>(content.size() % 256),
                      padding, 0}) +
         content + std::string(static_cast<std::size_t>(padding), '\0');
}

TEST_CASE("a question is a request with parameters and an empty body") {
  const std::string value(200, 'v');
  const std::string pairs = std::string("\x01\x02") + "nhi" + std::string("\x01\x80\0\0\xc8", 5) + "m" + value;
  CHECK(write_question({{"n", "hi"}, {"m", value}}) ==
        record(1, std::string("\0\1\0\0\0\0\0\0", 8)) + record(4, pairs) + record(4, "") + record(5, ""));
}

TEST_CASE("an answer is what the records of standard output hold") {
  const std::string end = record(3, std::string(8, '\0'));
  const auto answer = read_answer(record(6, "Status: 503 no\r\nA: b\r\n", 2) + record(7, "an error") +
                                  record(6, "\r\nbody\r\n\r\nmore") + record(6, "") + end);
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(answer->body == "body\r\n\r\nmore");
  CHECK(read_answer(record(6, "A: b\r\n\r\n") + end)->status == 200);
}

TEST_CASE("what is no answer is an error") {
  const std::string whole = record(6, "A: b\r\n\r\nbody") + record(3, std::string(8, '\0'));
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(!read_answer(whole.substr(0, size)));
  CHECK(!read_answer("HTTP/1.1 200 OK\r\n\r\n"));
}

TEST_CASE("who does not answer is not waited for") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const UniqueFd ours(ends[0]), silent(ends[1]);
  const auto answer = ask(ours, {{"REQUEST_METHOD", "GET"}}, std::chrono::milliseconds(10));
  CHECK((!answer && is(answer.error(), Code::unavailable)));
}

} // namespace
} // namespace berth::fcgi
