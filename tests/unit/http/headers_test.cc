#include <catch2/catch.hpp>

#include "http/headers.h"
#include "http/limits.h"
#include "http/message.h"

using namespace berth::http;

namespace {

const std::string tag = "sha256:0123";

std::vector<std::string> split(std::string_view value) {
  std::vector<std::string> parts;
  for (const auto part : split_list(value)) parts.emplace_back(part);
  return parts;
}

} // namespace

TEST_CASE("header names compare without case") {
  Headers headers;
  headers.add("Content-Type", "a");
  headers.add("X-Two", "1");
  headers.add("x-two", "2");
  CHECK(headers.get("content-TYPE") == "a");
  CHECK(headers.get("X-TWO") == "1");
  CHECK(headers.get("X-Three") == "");
  CHECK(headers.has("x-TWO"));
  CHECK_FALSE(headers.has("X-Three"));

  headers.set("X-TWO", "3");
  CHECK(headers.fields().size() == 2);
  CHECK(headers.get("x-two") == "3");
}

TEST_CASE("lists are cut at commas outside quoted strings") {
  using Parts = std::vector<std::string>;
  CHECK(split("") == Parts{});
  CHECK(split(" , ,\t") == Parts{});
  CHECK(split("a") == Parts{"a"});
  CHECK(split(" a ,b,, c\t") == Parts{"a", "b", "c"});
  CHECK(split(R"(a;x="1,2", b)") == Parts{R"(a;x="1,2")", "b"});
  CHECK(split(R"("a\",b",c)") == Parts{R"("a\",b")", "c"});
  CHECK(split(R"("never closed, b)") == Parts{R"("never closed, b)"});
}

TEST_CASE("media types lose parameters and case") {
  CHECK(media_type("application/json") == "application/json");
  CHECK(media_type(" Application/JSON ; charset=utf-8") == "application/json");
  CHECK(media_type(";q=1") == "");
  CHECK(media_type("") == "");
}

TEST_CASE("Accept names types exactly") {
  const Accept accept("application/a+json, application/b;q=0.5 , TEXT/html");
  CHECK_FALSE(accept.empty());
  CHECK(accept.names("application/a+json"));
  CHECK(accept.names("application/b"));
  CHECK(accept.names("text/html"));
  CHECK_FALSE(accept.names("application/a"));
  CHECK_FALSE(accept.has_wildcard());

  CHECK(Accept("").empty());
  CHECK(Accept(" , ").empty());
  CHECK(Accept("text/html, */*;q=0.1").has_wildcard());
  CHECK(Accept("application/*").has_wildcard());
  CHECK_FALSE(Accept("text/*").has_wildcard());

  std::string many;
  for (std::size_t i = 0; i < max_accept_entries; ++i) many += "text/x,";
  CHECK(Accept(many + "*/*").names("text/x"));
  CHECK_FALSE(Accept(many + "*/*").has_wildcard());
}

TEST_CASE("If-None-Match takes quoted, weak, bare and any") {
  CHECK(none_match_names("\"sha256:0123\"", tag));
  CHECK(none_match_names("sha256:0123", tag));
  CHECK(none_match_names("W/\"sha256:0123\"", tag));
  CHECK(none_match_names("\"a\", \"sha256:0123\" , \"b\"", tag));
  CHECK(none_match_names("*", tag));
  CHECK_FALSE(none_match_names("", tag));
  CHECK_FALSE(none_match_names("\"sha256:01234\"", tag));
  CHECK_FALSE(none_match_names("\"sha256:0123", tag));
  CHECK_FALSE(none_match_names("w/\"sha256:0123\"", tag));
}

TEST_CASE("If-Range compares strongly") {
  CHECK(if_range_names("\"sha256:0123\"", tag));
  CHECK(if_range_names(" sha256:0123 ", tag));
  CHECK_FALSE(if_range_names("W/\"sha256:0123\"", tag));
  CHECK_FALSE(if_range_names("Fri, 01 Jan 2100 00:00:00 GMT", tag));
  CHECK_FALSE(if_range_names("", tag));
}

TEST_CASE("Forwarded tells of its first element") {
  struct Row {
    std::string_view value, proto, host;
  };
  for (const Row& row : {
           Row{"proto=https;host=example.com", "https", "example.com"},
           Row{"for=192.0.2.1; Proto=http ; HOST=\"example.com:5000\", proto=https;host=b", "http", "example.com:5000"},
           Row{"for=\"[2001:db8::1]:4711\";host=\"[::1]:80\"", "", "[::1]:80"},
           Row{R"(host="a\"b")", "", "a\"b"},
           Row{R"(for="a,b;host=no";host=yes)", "", "yes"},
           Row{"host", "", ""},
           Row{"", "", ""},
           Row{",,", "", ""},
       }) {
    CAPTURE(row.value);
    const Forwarded forwarded = parse_forwarded(row.value);
    CHECK(forwarded.proto == row.proto);
    CHECK(forwarded.host == row.host);
  }
}

TEST_CASE("an authority is a host, perhaps with a port, and nothing else") {
  for (const std::string_view good :
       {"localhost", "localhost:5000", "a.b-c_d.example", "127.0.0.1:1", "[::1]", "[2001:db8::1]:443", "A.example"}) {
    CAPTURE(good);
    CHECK(is_authority(good));
  }
  for (const std::string_view bad :
       {"",     ":5000", "host:",  "host:x",  "host:123456", "a b", "a/b", "user@host", "a\r\nb", "a:1:2", "[]",
        "[::1", "::1]",  "[::1]x", "[::1]:x", "h\xc3\xb6st", "a?b", "a#b", "a%41",      "\"a\"",  "a,b"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_authority(bad));
  }
  CHECK(is_authority(std::string(255, 'a') + ":65535"));
  CHECK_FALSE(is_authority(std::string(262, 'a')));
}
