#include <catch2/catch.hpp>

#include "api/locations.h"

using namespace berth;
using namespace berth::api;

namespace {

struct Row {
  std::string expected; // of "v2/x"
  std::vector<std::pair<std::string, std::string>> headers = {};
  Options options = {};
  std::string scheme = "http";
};

Options with(std::string host, std::string prefix = "/", std::string_view urls = "absolute") {
  Options options;
  options.host = std::move(host);
  options.prefix = std::move(prefix);
  options.relative_urls = urls == "relative";
  return options;
}

} // namespace

TEST_CASE("Location is the URL by which the client reached the registry") {
  const std::pair<std::string, std::string> host{"Host", "a.example:5000"};
  const std::vector<Row> table{
      {"http://a.example:5000/v2/x", {host}},
      {"https://a.example:5000/v2/x", {host}, {}, "https"},
      {"/v2/x", {}},
      {"/reg/v2/x", {}, with("", "/reg/")},
      {"https://a.example:5000/v2/x", {host, {"X-Forwarded-Proto", "https"}}},
      {"https://a.example:5000/v2/x", {host, {"X-Forwarded-Proto", "HTTPS, http"}}},
      {"http://b.example/v2/x", {host, {"X-Forwarded-Host", "b.example, c.example"}}},
      {"https://b.example/v2/x",
       {host, {"Forwarded", "proto=https;host=b.example"}, {"X-Forwarded-Host", "c.example"}}},
      {"http://a.example:5000/v2/x", {host, {"Forwarded", "for=192.0.2.1"}, {"X-Forwarded-Proto", "https"}}},
      {"http://a.example:5000/v2/x", {host, {"X-Forwarded-Proto", "javascript"}, {"X-Forwarded-Host", "evil/path?"}}},
      {"http://a.example:5000/v2/x", {host, {"X-Forwarded-Host", "a\r\nSet-Cookie: b"}}},
      {"http://a.example:5000/v2/x", {host, {"X-Forwarded-Host", ""}, {"Forwarded", ""}}},
      {"/v2/x", {{"Host", "bad host"}}},
      {"http://a.example:5000/reg/v2/x", {host}, with("", "/reg/")},
      {"/v2/x", {host, {"X-Forwarded-Proto", "https"}}, with("", "/", "relative")},
      {"/reg/v2/x", {host}, with("", "/reg/", "relative")},
      {"https://fixed.example/v2/x", {host, {"Forwarded", "host=b.example"}}, with("https://fixed.example")},
      {"https://fixed.example/v2/x", {host}, with("https://fixed.example/", "/", "relative")},
      {"https://fixed.example/sub/v2/x", {host}, with("https://fixed.example/sub", "/reg/")},
  };
  for (const Row& row : table) {
    http::Request request;
    request.scheme = row.scheme;
    for (const auto& [name, value] : row.headers) request.headers.add(name, value);
    CAPTURE(row.headers, row.options.host, row.options.prefix);
    CHECK(Locations(row.options, request).absolute("v2/x") == row.expected);
  }
}

TEST_CASE("relative locations keep the prefix") {
  CHECK(Locations(with("https://fixed.example", "/reg/"), {}).relative("v2/_catalog") == "/reg/v2/_catalog");
}
