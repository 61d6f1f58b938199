// What holds for every endpoint: routes, methods, names, headers, and what becomes of trouble inside.
#include <catch2/catch.hpp>

#include <stdexcept>

#include "http/limits.h"
#include "unit/api/table.h"

using namespace berth;
using namespace berth::test;

namespace {

const std::string unknown = digest_of("never pushed");

// A registry in which everything goes wrong in one way.
class Broken final : public registry::Registry {
public:
  explicit Broken(std::function<std::unexpected<Error>()> trouble) : trouble_(std::move(trouble)) {}
  std::unique_ptr<registry::Repository> repository(const model::RepositoryName&) override {
    throw std::runtime_error("/inside");
  }
  Result<registry::Page> repositories(const registry::PageRequest&) override { return trouble_(); }

private:
  std::function<std::unexpected<Error>()> trouble_;
};

} // namespace

TEST_CASE("routes and methods") {
  Face face;
  const std::string version = "Docker-Distribution-Api-Version";
  run(face, {
                {"GET /v2/",
                 200,
                 "",
                 {{version, "registry/2.0"}, {"Content-Type", "application/json; charset=utf-8"}},
                 {},
                 "{}"},
                {"HEAD /v2/", 200, "", {{version, "registry/2.0"}}, {}, ""},
                {"GET /v2/?n=x&%zz", 200, "", {}, {}, "{}"},
                {"GET /", 200, "", {{"Cache-Control", "no-cache"}, {version, "-"}}, {}, ""},
                {"GET /v2", 301, "", {{"Location", "/v2/"}, {version, "registry/2.0"}}},
                {"GET /v2?a=b%20c", 301, "", {{"Location", "/v2/?a=b%20c"}}},
                {"GET /v2/a/tags/list/?n=5", 301, "", {{"Location", "/v2/a/tags/list?n=5"}}},
                {"POST /v2/a/blobs/uploads?mount=x", 301, "", {{"Location", "/v2/a/blobs/uploads/?mount=x"}}},
                {"GET /v2/_catalog/", 301, "", {{"Location", "/v2/_catalog"}}},
                {"GET /v2/%22/tags/list/", 301, "", {{"Location", "/v2/%22/tags/list"}}},
                {"POST /v2/", 405, "UNSUPPORTED", {{"Allow", "GET, HEAD"}}},
                {"FOO /v2/a/blobs/x", 405, "UNSUPPORTED", {{"Allow", "GET, HEAD, DELETE"}}},
                {"OPTIONS /v2/a/blobs/uploads/x", 200, "", {{"Allow", "GET, HEAD, PATCH, PUT, DELETE"}}, {}, ""},
                {"GET /v2/x", 404, "UNSUPPORTED", {{version, "registry/2.0"}}},
                {"GET /v2//a/tags/list", 404, "UNSUPPORTED"},
                {"GET /v2/a/../tags/list", 404, "UNSUPPORTED"},
                {"GET /v2/%2e%2e/tags/list", 404, "UNSUPPORTED"},
                {"GET /v2/a%00/tags/list", 400, "UNSUPPORTED", {{version, "registry/2.0"}}},
                {"GET /v2/a%zz/tags/list", 400, "UNSUPPORTED", {{version, "registry/2.0"}}},
                {"GET /%zz", 400, "UNSUPPORTED", {{version, "-"}}},
                {"GET /v3/",
                 404,
                 "",
                 {{"Content-Type", "text/plain; charset=utf-8"}, {version, "-"}},
                 {},
                 "404 page not found\n"},
                {"GET //v2/", 404, "", {{version, "-"}}, {}, "404 page not found\n"},
                {"GET v2/", 404, "", {}, {}, "404 page not found\n"},
                {"GET *", 404, "", {}, {}, "404 page not found\n"},
            });
}

TEST_CASE("a name that is none is refused in every route that has one") {
  Face face;
  for (const std::string& name : {std::string("UPPER"), std::string("a..b"), std::string("host:5000/a"),
                                  std::string("-a"), std::string("a%2fB"), std::string("a%ff"), std::string(256, 'a')})
    run(face,
        {
            {"GET /v2/{name}/tags/list", 400, "NAME_INVALID"},
            {"GET /v2/{name}/manifests/latest", 400, "NAME_INVALID"},
            {"PUT /v2/{name}/manifests/latest", 400, "NAME_INVALID"},
            {"DELETE /v2/{name}/manifests/latest", 400, "NAME_INVALID"},
            {"GET /v2/{name}/blobs/" + unknown, 400, "NAME_INVALID"},
            {"POST /v2/{name}/blobs/uploads/", 400, "NAME_INVALID"},
            {"PATCH /v2/{name}/blobs/uploads/x", 400, "NAME_INVALID"},
        },
        {{"name", name}});
}

TEST_CASE("a slash may come encoded, once") {
  Face face;
  face.push_blob("team/app", "x");
  run(face, {
                {"HEAD /v2/team%2Fapp/blobs/" + digest_of("x"), 200, ""},
                {"GET /v2/team%252Fapp/tags/list", 400, "NAME_INVALID"},
            });
}

TEST_CASE("a target that is too long is refused") {
  Face face;
  CHECK(face.send("GET /v2/" + std::string(http::max_target_bytes, 'a') + "/tags/list").status() == 400);
}

TEST_CASE("everything is below the prefix, and says so") {
  api::Options options = default_options();
  options.prefix = "/reg/";
  Face face(options);
  run(face, {
                {"GET /reg/v2/", 200, "", {{"Docker-Distribution-Api-Version", "registry/2.0"}}, {}, "{}"},
                {"GET /reg/v2", 301, "", {{"Location", "/reg/v2/"}}},
                {"GET /v2/", 404, "", {{"Docker-Distribution-Api-Version", "-"}}, {}, "404 page not found\n"},
                {"GET /reg", 404, "", {}, {}, "404 page not found\n"},
                {"GET /", 200, ""},
            });
  const auto reply = face.send("POST /reg/v2/a/blobs/uploads/");
  CHECK(reply.header("Location").starts_with("https://registry.example/reg/v2/a/blobs/uploads/"));
}

TEST_CASE("HEAD answers as GET does, without the body") {
  Face face;
  for (const std::string& path : {std::string("/v2/"), std::string("/v2/_catalog"), std::string("/v2/a/tags/list"),
                                  "/v2/a/blobs/" + unknown, std::string("/v3/"), std::string("/v2/x")}) {
    const Reply get = face.send("GET " + path), head = face.send("HEAD " + path);
    CAPTURE(path);
    CHECK(head.status() == get.status());
    CHECK(head.body().empty());
    CHECK(head.response.length_of_get == get.body().size());
    CHECK(head.response.headers.fields() == get.response.headers.fields());
  }
}

TEST_CASE("trouble inside is logged, and hidden") {
  FixedClock clock;
  Lines log;
  SECTION("an error") {
    Broken registry([] { return fail(Code::io, "open /inside: Input/output error", "/inside"); });
    api::Api api(registry, default_options(), clock, log);
    const Reply reply = send(api, "GET /v2/_catalog?last=private");
    CHECK(reply.status() == 500);
    CHECK(reply.body() == "{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"unknown error\"}]}\n");
    CHECK(log.lines == std::vector<std::string>{
                           "request failed method=GET path=/v2/_catalog error=open /inside: Input/output error"});
  }
  SECTION("an exception") {
    Broken registry([] { return fail(Code::io); });
    api::Api api(registry, default_options(), clock, log);
    const Reply reply = send(api, "GET /v2/a/tags/list");
    CHECK(reply.status() == 500);
    CHECK_FALSE(reply.mentions("inside"));
    CHECK(log.lines == std::vector<std::string>{"request failed method=GET path=/v2/a/tags/list error=/inside"});
  }
  SECTION("a full disk") {
    Broken registry([] { return fail(Code::storage_full, "write /inside: No space left on device"); });
    api::Api api(registry, default_options(), clock, log);
    const Reply reply = send(api, "GET /v2/_catalog");
    CHECK(reply.status() == 507);
    CHECK(reply.mentions("the registry's storage is full"));
    CHECK_FALSE(reply.mentions("inside"));
    CHECK(log.lines.size() == 1);
  }
}

TEST_CASE("a request that did not arrive whole gets an error like any other") {
  Face face;
  http::Request request;
  request.method = "PUT";
  request.target = "/v2/a/manifests/latest";
  const Reply reply{face.api.refuse(request, {Code::bad_request, {}, "the body broke off"})};
  CHECK(reply.status() == 400);
  CHECK(reply.code() == "UNSUPPORTED");
  CHECK(reply.mentions("the body broke off"));
  CHECK(reply.header("Docker-Distribution-Api-Version") == "registry/2.0");
  CHECK(face.api.refuse({}, {Code::bad_request, {}, {}}).status == 400);
}
