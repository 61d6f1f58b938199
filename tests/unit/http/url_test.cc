#include <catch2/catch.hpp>

#include "http/limits.h"
#include "http/url.h"

using namespace berth;
using namespace berth::http;

TEST_CASE("a target is cut at its first question mark") {
  CHECK(split_target("/a?b?c").path == "/a");
  CHECK(split_target("/a?b?c").query == "b?c");
  CHECK(split_target("/a").query == "");
  CHECK(split_target("/a?").path == "/a");
  CHECK(split_target("").path == "");
}

TEST_CASE("paths are decoded once") {
  CHECK(decode_path("/v2/a%2Fb").value() == "/v2/a/b");
  CHECK(decode_path("/%2525").value() == "/%25");
  CHECK(decode_path("/a+b").value() == "/a+b");
  CHECK(decode_path("/%c3%A4").value() == "/\xc3\xa4");
  for (const std::string_view bad : {"/%", "/%2", "/%zz", "/%2g", "/%00", "/a%00b", "/%-1", "/%+1"}) {
    CAPTURE(bad);
    const auto decoded = decode_path(bad);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == Code::bad_request);
  }
}

TEST_CASE("encoding keeps what a path may hold, and decoding undoes it") {
  CHECK(encode_path("/v2/a-b_c.d~/sha256:0+1@x=y") == "/v2/a-b_c.d~/sha256:0+1@x=y");
  CHECK(encode_path("/a b?c#d%") == "/a%20b%3Fc%23d%25");
  CHECK(encode_path("/\r\n\"<>\\^`{|}") == "/%0D%0A%22%3C%3E%5C%5E%60%7B%7C%7D");
  std::string every;
  for (int c = 1; c < 256; ++c) every += static_cast<char>(c);
  CHECK(decode_path(encode_path(every)).value() == every);
  CHECK(Query::parse("x=" + encode_query(every)).get("x") == every);
}

TEST_CASE("queries are ordered pairs") {
  const Query query = Query::parse("n=5&last=a%2Fb+c&n=6&empty=&bare&&=x&e%3Dq=1=2");
  CHECK(query.get("n") == "5");
  CHECK(query.get("last") == "a/b c");
  CHECK(query.has("empty"));
  CHECK(query.has("bare"));
  CHECK_FALSE(query.has("other"));
  CHECK(query.get("other") == "");
  CHECK(query.get("e=q") == "1=2");
  CHECK(query.pairs().size() == 7);
  CHECK(query.pairs()[2] == std::pair<std::string, std::string>("n", "6"));
  CHECK(Query::parse("").pairs().empty());
}

TEST_CASE("what cannot be decoded in a query stays as it is") {
  const Query query = Query::parse("digest=sha256%3&n=%zz+1&%=1&nul=%00");
  CHECK(query.get("digest") == "sha256%3");
  CHECK(query.get("n") == "%zz+1");
  CHECK(query.get("%") == "1");
  CHECK(query.get("nul") == std::string_view("\0", 1));
}

TEST_CASE("a query has a limited number of pairs") {
  std::string text;
  for (std::size_t i = 0; i < max_query_pairs; ++i) text += "a&";
  CHECK(Query::parse(text + "b=1").pairs().size() == max_query_pairs);
  CHECK_FALSE(Query::parse(text + "b=1").has("b"));
}

TEST_CASE("query values are written as Go writes them") {
  CHECK(encode_query("a b/c=d&e") == "a+b%2Fc%3Dd%26e");
  CHECK(encode_query("A-z_0.9~") == "A-z_0.9~");
}
