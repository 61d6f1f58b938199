// GET, HEAD, PUT and DELETE of manifests, and what an Accept header gets.
#include <catch2/catch.hpp>

#include "model/manifest.h"
#include "unit/api/table.h"

using namespace berth;
using namespace berth::test;

namespace {

const std::string docker_type = "application/vnd.docker.distribution.manifest.v2+json";
const std::string list_type = "application/vnd.docker.distribution.manifest.list.v2+json";
const std::string oci_type = "application/vnd.oci.image.manifest.v1+json";
const std::string index_type = "application/vnd.oci.image.index.v1+json";
const std::string unknown = digest_of("never pushed");

std::string image(const std::string& type, const std::string& config) {
  return R"({"schemaVersion":2,"mediaType":")" + type + R"(","config":{"mediaType":"x","digest":")" +
         digest_of(config) + R"(","size":)" + std::to_string(config.size()) + R"(},"layers":[]})";
}

std::string index_of(const std::string& type_member, const std::string& child, const std::string& architecture) {
  return R"({"schemaVersion":2,)" + type_member + R"("manifests":[{"mediaType":"x","digest":")" + digest_of(child) +
         R"(","platform":{"os":"linux","architecture":")" + architecture + R"("}}]})";
}
std::string type_member(const std::string& type) { return R"("mediaType":")" + type + R"(",)"; }

const std::string docker = image(docker_type, "{}");
const std::string oci = image(oci_type, "{}");
const std::string list = index_of(type_member(list_type), docker, "amd64");
const std::string arm_list = index_of(type_member(list_type), docker, "arm64");
const std::string index_bytes = index_of(type_member(index_type), oci, "amd64");
const std::string untyped_index = index_of("", oci, "amd64");

const Names names{{"docker", digest_of(docker)},
                  {"oci", digest_of(oci)},
                  {"list", digest_of(list)},
                  {"index", digest_of(index_bytes)},
                  {"untyped", digest_of(untyped_index)},
                  {"unknown", unknown},
                  {"docker type", docker_type},
                  {"list type", list_type},
                  {"oci type", oci_type},
                  {"index type", index_type}};

// Repository "a" with one manifest of each kind.
struct Stored : Face {
  explicit Stored(api::Options options = default_options()) : Face(std::move(options)) {
    push_blob("a", "{}");
    put_manifest("a", "docker", docker_type, docker);
    put_manifest("a", "oci", oci_type, oci);
    put_manifest("a", "list", list_type, list);
    put_manifest("a", "arm", list_type, arm_list);
    put_manifest("a", "index", index_type, index_bytes);
    put_manifest("a", "untyped", index_type, untyped_index);
  }
};

Fields identity(const std::string& name, const std::string& type) {
  return {{"Docker-Content-Digest", "{" + name + "}"}, {"Etag", "\"{" + name + "}\""}, {"Content-Type", type}};
}

} // namespace

TEST_CASE("a pushed manifest is served as it came, by tag and by digest") {
  Face face;
  face.push_blob("a", "{}");
  run(face,
      {
          {"PUT /v2/a/manifests/v1",
           201,
           "",
           {{"Location", "https://registry.example/v2/a/manifests/{oci}"}, {"Docker-Content-Digest", "{oci}"}},
           {{"Content-Type", oci_type + "; charset=utf-8"}},
           "",
           oci},
          {"PUT /v2/a/manifests/{docker}",
           201,
           "",
           {{"Docker-Content-Digest", "{docker}"}},
           {{"Content-Type", docker_type}},
           "",
           docker},
          {"GET /v2/a/manifests/v1", 200, "", identity("oci", oci_type), {}, oci},
          {"GET /v2/a/manifests/{oci}", 200, "", identity("oci", oci_type), {}, oci},
          {"GET /v2/a/manifests/{docker}", 200, "", identity("docker", docker_type), {}, docker},
          {"HEAD /v2/a/manifests/v1", 200, "", identity("oci", oci_type), {}, ""},
          {"GET /v2/a/tags/list", 200, "", {}, {}, "{\"name\":\"a\",\"tags\":[\"v1\"]}\n"},
          {"GET /v2/a/manifests/v2", 404, "MANIFEST_UNKNOWN"},
          {"GET /v2/a/manifests/{unknown}", 404, "MANIFEST_UNKNOWN"},
          {"GET /v2/b/manifests/{oci}", 404, "MANIFEST_UNKNOWN"},
      },
      names);
  CHECK(face.send("HEAD /v2/a/manifests/v1").response.length_of_get == oci.size());
  CHECK(face.send("GET /v2/a/manifests/v2").mentions(R"("detail":"unknown tag=v2")"));
  CHECK(face.send("GET /v2/a/manifests/.x").mentions(R"("detail":"unknown tag=.x")"));
}

TEST_CASE("a reference is a tag or a digest") {
  Stored face;
  for (const std::string& bad : {std::string(".x"), std::string("-x"), std::string("a%20b"), std::string(129, 'a')})
    run(face, {
                  {"GET /v2/a/manifests/" + bad, 404, "MANIFEST_UNKNOWN"},
                  {"DELETE /v2/a/manifests/" + bad, 404, "MANIFEST_UNKNOWN"},
                  {"PUT /v2/a/manifests/" + bad, 400, "TAG_INVALID", {}, {{"Content-Type", oci_type}}, {}, oci},
              });
  for (const std::string bad : {"sha256:00", "latest:v1", ":", "md5:00000000000000000000000000000000"})
    run(face, {
                  {"GET /v2/a/manifests/" + bad, 400, "DIGEST_INVALID"},
                  {"DELETE /v2/a/manifests/" + bad, 400, "DIGEST_INVALID"},
                  {"PUT /v2/a/manifests/" + bad, 400, "DIGEST_INVALID", {}, {{"Content-Type", oci_type}}, {}, oci},
              });
}

TEST_CASE("a manifest is checked before it is stored") {
  Face face;
  face.push_blob("a", "{}");
  const std::string without_blob = image(oci_type, "not pushed");
  const Fields typed{{"Content-Type", oci_type}};
  run(face,
      {
          {"PUT /v2/a/manifests/{unknown}", 400, "DIGEST_INVALID", {}, typed, {}, oci},
          {"PUT /v2/a/manifests/x", 400, "MANIFEST_INVALID", {}, typed, {}, "{"},
          {"PUT /v2/a/manifests/x", 400, "MANIFEST_INVALID", {}, typed, {}, ""},
          {"PUT /v2/a/manifests/x", 400, "MANIFEST_INVALID", {}, typed, {}, docker},
          {"PUT /v2/a/manifests/x", 400, "MANIFEST_INVALID", {}, {{"Content-Type", "text/plain"}}, {}, oci},
          {"PUT /v2/a/manifests/x", 400, "MANIFEST_INVALID", {}, {}, {}, oci},
          {"PUT /v2/a/manifests/x", 400, "MANIFEST_BLOB_UNKNOWN", {}, typed, {}, without_blob},
          {"PUT /v2/b/manifests/x", 400, "MANIFEST_BLOB_UNKNOWN", {}, typed, {}, oci},
          {"GET /v2/a/manifests/x", 404, "MANIFEST_UNKNOWN"},
          {"GET /v2/a/manifests/" + digest_of(without_blob), 404, "MANIFEST_UNKNOWN"},
      },
      names);
}

TEST_CASE("a manifest has a largest size") {
  Face face;
  face.push_blob("a", "{}");
  const std::string largest = oci + std::string(model::max_manifest_bytes - oci.size(), ' ');
  const Fields typed{{"Content-Type", oci_type}};
  run(face, {
                {"PUT /v2/a/manifests/x", 413, "MANIFEST_INVALID", {}, typed, {}, largest + " "},
                {"GET /v2/a/manifests/x", 404, "MANIFEST_UNKNOWN"},
                {"PUT /v2/a/manifests/x", 201, "", {}, typed, {}, largest},
                {"GET /v2/a/manifests/x", 200, "", {}, {}, largest},
            });
  http::Request request;
  request.method = "PUT";
  request.target = "/v2/a/manifests/x";
  request.body_too_large = true;
  CHECK(face.api.handle(request).status == 413);
}

TEST_CASE("a manifest pushed by digest gets the tags that the query names") {
  Face face;
  face.push_blob("a", "{}");
  const Fields typed{{"Content-Type", oci_type}};
  const Reply reply = face.send("PUT /v2/a/manifests/" + digest_of(oci) + "?tag=one&x=y&tag=two", typed, oci);
  CHECK(reply.status() == 201);
  Fields tags;
  for (const auto& field : reply.response.headers.fields())
    if (field.first == "OCI-Tag") tags.push_back(field);
  CHECK(tags == Fields{{"OCI-Tag", "one"}, {"OCI-Tag", "two"}});
  run(face,
      {
          {"GET /v2/a/manifests/one", 200, ""},
          {"GET /v2/a/manifests/two", 200, ""},
          {"PUT /v2/a/manifests/{oci}?tag=three&tag=.x", 400, "TAG_INVALID", {}, typed, {}, oci},
          {"GET /v2/a/manifests/three", 404, "MANIFEST_UNKNOWN"},
          {"PUT /v2/a/manifests/four?tag=five", 201, "", {{"OCI-Tag", "-"}}, typed, {}, oci},
          {"GET /v2/a/manifests/five", 404, "MANIFEST_UNKNOWN"},
      },
      names);
}

TEST_CASE("a manifest that the client has is not sent again") {
  Stored face;
  for (const std::string reference : {"list", "{list}"})
    run(face,
        {
            {"GET /v2/a/manifests/" + reference,
             304,
             "",
             {{"Etag", "\"{list}\""}, {"Docker-Content-Digest", "{list}"}},
             {{"If-None-Match", "\"{list}\""}, {"Accept", docker_type}},
             ""},
            {"HEAD /v2/a/manifests/" + reference, 304, "", {}, {{"If-None-Match", "{list}"}}, ""},
            {"GET /v2/a/manifests/" + reference, 200, "", {}, {{"If-None-Match", "\"{docker}\""}}, list},
        },
        names);
  run(face,
      {
          {"GET /v2/a/manifests/none", 404, "MANIFEST_UNKNOWN", {}, {{"If-None-Match", "*"}}},
          {"GET /v2/a/manifests/{unknown}", 404, "MANIFEST_UNKNOWN", {}, {{"If-None-Match", "\"{unknown}\""}}},
      },
      names);
}

TEST_CASE("an Accept header that names the type, or none, gets what is there") {
  Stored face;
  const std::string all = docker_type + ", " + list_type + ";q=0.5," + oci_type + ", " + index_type;
  for (const std::string& accept : {all, std::string("*/*"), std::string("text/html, */*;q=0.1"), std::string()})
    run(face,
        {
            {"GET /v2/a/manifests/docker", 200, "", identity("docker", docker_type), {{"Accept", accept}}, docker},
            {"GET /v2/a/manifests/oci", 200, "", identity("oci", oci_type), {{"Accept", accept}}, oci},
            {"GET /v2/a/manifests/list", 200, "", identity("list", list_type), {{"Accept", accept}}, list},
            {"GET /v2/a/manifests/index", 200, "", identity("index", index_type), {{"Accept", accept}}, index_bytes},
            {"GET /v2/a/manifests/untyped",
             200,
             "",
             identity("untyped", index_type),
             {{"Accept", accept}},
             untyped_index},
        },
        names);
}

TEST_CASE("an Accept header that does not name the type") {
  Stored face;
  const auto accept = [](const std::string& types) { return Fields{{"Accept", types}}; };
  run(face,
      {
          {"GET /v2/a/manifests/docker", 200, "", {}, accept(oci_type), docker},
          {"GET /v2/a/manifests/list", 200, "", identity("docker", docker_type), accept(docker_type + ", " + oci_type),
           docker},
          {"HEAD /v2/a/manifests/list", 200, "", identity("docker", docker_type), accept(docker_type), ""},
          {"GET /v2/a/manifests/arm", 404, "MANIFEST_UNKNOWN", {}, accept(docker_type)},
          {"GET /v2/a/manifests/list", 400, "MANIFEST_INVALID", {}, accept(oci_type)},
          {"GET /v2/a/manifests/{list}", 200, "", identity("list", list_type), accept(oci_type), list},
          {"GET /v2/a/manifests/oci", 404, "MANIFEST_UNKNOWN", {}, accept(docker_type)},
          {"GET /v2/a/manifests/{oci}", 404, "MANIFEST_UNKNOWN", {}, accept(index_type)},
          {"GET /v2/a/manifests/index", 404, "MANIFEST_UNKNOWN", {}, accept(oci_type)},
          {"GET /v2/a/manifests/{index}", 404, "MANIFEST_UNKNOWN", {}, accept(docker_type)},
          {"GET /v2/a/manifests/untyped", 200, "", identity("untyped", index_type), accept(docker_type), untyped_index},
      },
      names);
  CHECK(face.send("GET /v2/a/manifests/oci", accept(docker_type))
            .mentions("OCI manifest found, but accept header does not support OCI manifests"));
  CHECK(face.send("GET /v2/a/manifests/index", accept(docker_type))
            .mentions("OCI index found, but accept header does not support OCI indexes"));
}

TEST_CASE("for Docker 1.6 to 1.9, no Accept header is no type") {
  Stored face;
  for (const std::string agent : {"docker/1.6.2 go/go1.4.2", "docker/1.9", "docker/1.7.1"})
    run(face, {{"GET /v2/a/manifests/oci", 404, "MANIFEST_UNKNOWN", {}, {{"User-Agent", agent}}}});
  for (const std::string agent : {"docker/1.10.3 go/go1.5.3", "docker/1.13.1", "docker/1.60.0", "docker/24.0.7",
                                  "docker/1.5.0", "docker/1.", "curl"})
    run(face, {{"GET /v2/a/manifests/oci", 200, "", {}, {{"User-Agent", agent}}}});
}

TEST_CASE("a repository is deleted if that is switched on") {
  Stored face;
  face.push_blob("a/below", "{}");
  face.put_manifest("a/below", "also", oci_type, oci);
  run(face,
      {
          {"GET /v2/a/_berth/repository", 405, "UNSUPPORTED", {{"Allow", "DELETE"}}},
          {"DELETE /v2/A/_berth/repository", 400, "NAME_INVALID"},
          {"DELETE /v2/none/_berth/repository", 404, "NAME_UNKNOWN"},
          {"DELETE /v2/a/_berth/repository", 202, "", {}, {}, ""},
          {"DELETE /v2/a/_berth/repository", 404, "NAME_UNKNOWN"},
          {"GET /v2/a/manifests/{oci}", 404, "MANIFEST_UNKNOWN"},
          {"GET /v2/a/tags/list", 404, "NAME_UNKNOWN"},
          {"GET /v2/a/below/manifests/also", 200, ""},
      },
      names);

  api::Options options = default_options();
  options.delete_enabled = false;
  Stored closed(options);
  run(closed,
      {
          {"DELETE /v2/a/_berth/repository", 405, "UNSUPPORTED"},
          {"GET /v2/a/manifests/oci", 200, ""},
      },
      names);
}

TEST_CASE("manifests and tags are deleted if that is switched on") {
  Stored face;
  face.put_manifest("a", "also", oci_type, oci);
  run(face,
      {
          {"DELETE /v2/a/manifests/also", 202, "", {}, {}, ""},
          {"DELETE /v2/a/manifests/also", 404, "MANIFEST_UNKNOWN"},
          {"GET /v2/a/manifests/oci", 200, ""},
          {"DELETE /v2/a/manifests/{oci}", 202, "", {}, {}, ""},
          {"GET /v2/a/manifests/oci", 404, "MANIFEST_UNKNOWN"},
          {"GET /v2/a/manifests/{oci}", 404, "MANIFEST_UNKNOWN"},
          {"DELETE /v2/a/manifests/{oci}", 404, "MANIFEST_UNKNOWN"},
          {"DELETE /v2/none/manifests/x", 404, "MANIFEST_UNKNOWN"},
      },
      names);

  api::Options options = default_options();
  options.delete_enabled = false;
  Stored closed(options);
  run(closed,
      {
          {"DELETE /v2/a/manifests/oci", 405, "UNSUPPORTED", {{"Allow", "GET, HEAD, PUT"}}},
          {"DELETE /v2/a/manifests/{oci}", 405, "UNSUPPORTED"},
          {"DELETE /v2/a/manifests/none", 405, "UNSUPPORTED"},
          {"GET /v2/a/manifests/oci", 200, ""},
      },
      names);
}
