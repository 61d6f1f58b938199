#include <catch2/catch.hpp>

#include "http/router.h"

using namespace berth::http;

namespace {

struct Row {
  std::string_view method;
  std::string_view pattern;
};
using To = Routed<Row>::To;

constexpr Row table[] = {
    {"GET", "/v2/"},
    {"GET", "/v2/{name...}/tags/list"},
    {"GET", "/v2/{name...}/manifests/{reference}"},
    {"PUT", "/v2/{name...}/manifests/{reference}"},
    {"POST", "/v2/{name...}/blobs/uploads/"},
    {"DELETE", "/v2/{name...}/blobs/uploads/{id}"},
    {"GET", "/v2/{name...}/blobs/{digest}"},
};

Routed<Row> find(std::string_view method, std::string_view path) {
  auto found = route(std::span<const Row>(table), method, path);
  const Row* const row = row_of(std::span<const Row>(table), method, path); // the same search without parameters
  CHECK(row == (found.to == Routed<Row>::To::row ? found.row : nullptr));
  return found;
}

} // namespace

TEST_CASE("a path finds its row, and names may hold any word") {
  struct Case {
    std::string_view method, path, pattern, name, parameter, value;
  };
  for (const Case& c : {
           Case{"GET", "/v2/", "/v2/", "", "", ""},
           Case{"HEAD", "/v2/", "/v2/", "", "", ""},
           Case{"GET", "/v2/a/tags/list", "/v2/{name...}/tags/list", "a", "", ""},
           Case{"GET", "/v2/a/b/c/tags/list", "/v2/{name...}/tags/list", "a/b/c", "", ""},
           Case{"GET", "/v2/tags/list/tags/list", "/v2/{name...}/tags/list", "tags/list", "", ""},
           Case{"GET", "/v2/a/manifests/list", "/v2/{name...}/manifests/{reference}", "a", "reference", "list"},
           Case{"PUT", "/v2/manifests/manifests/manifests", "/v2/{name...}/manifests/{reference}", "manifests",
                "reference", "manifests"},
           Case{"POST", "/v2/a/blobs/uploads/", "/v2/{name...}/blobs/uploads/", "a", "", ""},
           Case{"POST", "/v2/a/blobs/uploads/blobs/uploads/", "/v2/{name...}/blobs/uploads/", "a/blobs/uploads", "",
                ""},
           Case{"DELETE", "/v2/a/blobs/uploads/x", "/v2/{name...}/blobs/uploads/{id}", "a", "id", "x"},
           Case{"GET", "/v2/a/blobs/uploads/blobs/x", "/v2/{name...}/blobs/{digest}", "a/blobs/uploads", "digest", "x"},
       }) {
    CAPTURE(c.method, c.path);
    const auto routed = find(c.method, c.path);
    REQUIRE(routed.to == To::row);
    CHECK(routed.row->pattern == c.pattern);
    CHECK(routed.parameters.get("name") == c.name);
    CHECK(routed.parameters.get(c.parameter) == c.value);
  }
}

TEST_CASE("a path with, or without, a slash too many is moved") {
  CHECK(find("GET", "/v2").location == "/v2/");
  CHECK(find("GET", "/v2/a/tags/list/").location == "/v2/a/tags/list");
  CHECK(find("POST", "/v2/a/blobs/uploads").location == "/v2/a/blobs/uploads/");
  CHECK(find("GET", "/v2/a/manifests/x/").location == "/v2/a/manifests/x");
  CHECK(find("FOO", "/v2").to == To::moved);
}

TEST_CASE("a wrong method is told the right ones") {
  CHECK(find("POST", "/v2/a/manifests/x").to == To::wrong_method);
  CHECK(find("POST", "/v2/a/manifests/x").allow == "GET, HEAD, PUT");
  CHECK(find("GET", "/v2/a/blobs/uploads/").allow == "POST");
  CHECK(find("HEAD", "/v2/a/blobs/uploads/x").allow == "DELETE");
  CHECK(find("get", "/v2/").allow == "GET, HEAD");
  CHECK(find("", "/v2/").to == To::wrong_method);
  CHECK(methods_of(std::span<const Row>(table), "/v2/{name...}/manifests/{reference}", "PUT") == "GET, HEAD");
}

TEST_CASE("other paths lead nowhere") {
  for (const std::string_view path : {"",
                                      "/",
                                      "v2/",
                                      "/v2/a",
                                      "/v2/a/",
                                      "/v2/tags/list",
                                      "/v2/a/tags",
                                      "/v2/a/tags/list/x",
                                      "/v2/a/blobs",
                                      "/v2/a/blobs/",
                                      "/v2/a/manifests/",
                                      "/v2/manifests/x",
                                      "/v2/a/manifests/x/y",
                                      "/v2/blobs/uploads/",
                                      "/V2/",
                                      "/v2x",
                                      "//",
                                      "/v2//",
                                      "//v2/",
                                      "/v2//a/tags/list",
                                      "/v2/a//tags/list",
                                      "/v2/./tags/list",
                                      "/v2/a/../tags/list",
                                      "/v2/../v2/",
                                      "/v2/a/manifests/..",
                                      "/v2/a/manifests/.",
                                      "/v2/a/tags/list//"}) {
    CAPTURE(path);
    CHECK(find("GET", path).to == To::nowhere);
  }
}

TEST_CASE("paths that climb or stutter are not clean") {
  CHECK(is_clean_path("/"));
  CHECK(is_clean_path("/a/b/"));
  CHECK(is_clean_path("/a/..b/.c/d..."));
  for (const std::string_view path : {"", "a", "//", "/a//b", "/.", "/..", "/a/.", "/a/../b", "/a//"}) {
    CAPTURE(path);
    CHECK_FALSE(is_clean_path(path));
  }
}
