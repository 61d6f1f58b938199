#include <catch2/catch.hpp>

#include "model/manifest.h"
#include "model/media_types.h"
#include "model/strict_json.h"

using namespace berth;
using namespace berth::model;

namespace {

const std::string digest_a = "sha256:" + std::string(64, 'a');
const std::string digest_b = "sha256:" + std::string(64, 'b');

std::string descriptor(const std::string& digest, const std::string& more = "") {
  return R"({"mediaType":"application/x","size":3,"digest":")" + digest + "\"" + more + "}";
}
std::string manifest(const std::string& media_type, const std::string& more = "") {
  return R"({"schemaVersion":2,"mediaType":")" + media_type + R"(","config":)" + descriptor(digest_a) +
         R"(,"layers":[)" + descriptor(digest_b) + "]" + more + "}";
}
std::string index(const std::string& media_type, const std::string& more = "") {
  return R"({"schemaVersion":2,"mediaType":")" + media_type + R"(","manifests":[)" +
         descriptor(digest_a, R"(,"platform":{"os":"linux","architecture":"amd64"})") + "]" + more + "}";
}

std::string why_refused(std::string_view type, const std::string& bytes) {
  const auto parsed = parse_manifest(type, bytes);
  if (parsed) return "not refused";
  CHECK((parsed.error().code == Code::manifest_invalid || parsed.error().code == Code::digest_invalid));
  return parsed.error().detail;
}

} // namespace

TEST_CASE("the four kinds parse, and name what they contain") {
  const auto image = parse_manifest(media::docker_manifest, manifest(std::string(media::docker_manifest)));
  REQUIRE(image);
  CHECK(image->kind == ManifestKind::docker_manifest);
  REQUIRE(image->contents.size() == 2);
  CHECK(image->contents[0].digest.str() == digest_a);
  CHECK(image->contents[1].digest.str() == digest_b);

  const auto list = parse_manifest(media::docker_list, index(std::string(media::docker_list)));
  REQUIRE(list);
  CHECK(list->contents.at(0).os == "linux");
  CHECK(list->contents.at(0).architecture == "amd64");

  CHECK(parse_manifest(media::oci_manifest, manifest(std::string(media::oci_manifest)))->names_its_media_type);
  CHECK(parse_manifest("application/vnd.oci.image.index.v1+json; charset=utf-8", index(std::string(media::oci_index))));
}

TEST_CASE("an OCI document may leave its media type out, a Docker one may not") {
  const std::string bare = R"({"schemaVersion":2,"config":)" + descriptor(digest_a) + "}";
  const auto parsed = parse_manifest(media::oci_manifest, bare);
  REQUIRE(parsed);
  CHECK_FALSE(parsed->names_its_media_type);
  CHECK(why_refused(media::docker_manifest, bare) ==
        "mediaType in manifest should be 'application/vnd.docker.distribution.manifest.v2+json' not ''");
}

TEST_CASE("documents that are refused, and why") {
  const std::string oci(media::oci_manifest);
  CHECK(why_refused("text/plain", "{}") == "unsupported manifest media type and no default available: text/plain");
  CHECK(why_refused("", "{}") == "unsupported manifest media type and no default available: ");
  CHECK(why_refused(oci, "") == "not JSON: syntax error");
  CHECK(why_refused(oci, "\xef\xbb\xbf{}") == "not JSON: a byte order mark or a NUL byte");
  CHECK(why_refused(oci, std::string("{}\0", 3)) == "not JSON: a byte order mark or a NUL byte");
  CHECK(why_refused(oci, "[]") == "not a JSON object");
  CHECK(why_refused(oci, manifest(oci) + "x") == "not JSON: syntax error");
  CHECK(why_refused(oci, "{\"schemaVersion\":2,\"annotations\":{\"a\":\"\xff\"}}") == "not JSON: invalid UTF-8");
  CHECK(why_refused(oci, R"({"schemaVersion":2,"schemaVersion":2})") == "duplicate key \"schemaVersion\"");
  CHECK(why_refused(oci, R"({"schemaVersion":2,"annotations":{"a":"1","a":"2"}})") == "duplicate key \"a\"");
  CHECK(why_refused(oci, R"({"schemaVersion":1})") == "unrecognized manifest schema version");
  CHECK(why_refused(oci, R"({"schemaVersion":"2"})") == "unrecognized manifest schema version");
  CHECK(why_refused(oci, R"({"schemaVersion":2})") == "config is missing");
  CHECK(why_refused(media::oci_index, R"({"schemaVersion":2})") == "manifests is missing");
  CHECK(why_refused(oci, manifest(oci, R"(,"manifests":[])")) == "expected an image manifest but found an index");
  CHECK(why_refused(media::oci_index, index(std::string(media::oci_index), R"(,"layers":[])")) ==
        "expected an index but found an image manifest");
  CHECK(why_refused(oci, manifest(std::string(media::docker_manifest))).starts_with("mediaType in manifest should be"));
  CHECK(why_refused(oci, R"({"schemaVersion":2,"config":)" + descriptor("sha256:xyz") + "}") ==
        "invalid checksum digest format");
  CHECK(why_refused(oci, R"({"schemaVersion":2,"config":[]})") == "config: not an object");
  CHECK(why_refused(oci, R"({"schemaVersion":2,"mediaType":7})") == "mediaType is not a string");
  CHECK(why_refused(oci, R"({"schemaVersion":2,"config":)" + descriptor(digest_a, R"(,"urls":"x")") + "}") ==
        "config: urls is not an array");
  CHECK(why_refused(oci, R"({"schemaVersion":2,"config":{"digest":")" + digest_a + R"(","size":-1}})") ==
        "size is negative");
  CHECK(why_refused(oci, R"({"schemaVersion":2,"config":{"digest":")" + digest_a + R"(","size":1.5}})") ==
        "config: size is not an integer");
}

TEST_CASE("a name that a Go client would take for another is refused") {
  const std::string oci(media::oci_manifest);
  for (const char* name : {"Manifests", "MEDIATYPE", "schemaversion", "\u017fubject", "layer\u017f"})
    CHECK(why_refused(oci, manifest(oci, ",\"" + std::string(name) + "\":[]")).contains("must be spelt"));
  CHECK(why_refused(oci, R"({"schemaVersion":2,"config":)" + descriptor(digest_a, R"(,"Digest":"x")") + "}") ==
        R"(config: "Digest" must be spelt "digest")");
  const std::string oci_index(media::oci_index);
  CHECK(why_refused(oci_index, R"({"schemaVersion":2,"manifests":[{"platform":{"OS":"x"}}]})") ==
        R"(manifests: platform: "OS" must be spelt "os")");
  // Names that no client takes for a member of the object they are in: its own, and members of other objects.
  CHECK(parse_manifest(
      oci, manifest(oci, R"(,"annotations":{"Digest":"x","digest":"y"},"x":{"Digest":1},"Name":1,"Size":"x","OS":1)")));
  CHECK(parse_manifest(oci, R"({"schemaVersion":2,"config":)" +
                                descriptor(digest_a, R"(,"Layers":1,"platform":{"Digest":1,"Size":2})") + "}"));
  CHECK(detect_manifest(manifest(oci, R"(,"Manifests":[])")));
}

TEST_CASE("a member that clients decode has its type") {
  const std::string oci(media::oci_manifest);
  const auto refused = [&](const std::string& members) { return why_refused(oci, manifest(oci, "," + members)); };
  const auto in_config = [&](const std::string& members) {
    return why_refused(oci, R"({"schemaVersion":2,"config":)" + descriptor(digest_a, "," + members) + "}");
  };
  CHECK(refused(R"("annotations":{"a":5})") == R"(annotations: "a" is not a string)");
  CHECK(refused(R"("annotations":["a"])") == "annotations is not an object");
  CHECK(refused(R"("artifactType":5)") == "artifactType is not a string");
  CHECK(refused(R"("subject":5)") == "subject: not an object");
  CHECK(refused(R"("subject":{"digest":")" + digest_a + R"(","size":"3"})") == "subject: size is not an integer");
  CHECK(in_config(R"("annotations":{"a":{}})") == R"(config: annotations: "a" is not a string)");
  CHECK(in_config(R"("artifactType":[])") == "config: artifactType is not a string");
  CHECK(in_config(R"("platform":{"os.features":"x"})") == "config: platform: os.features is not an array");
  CHECK(in_config(R"("platform":{"os.features":[1]})") ==
        "config: platform: os.features holds something else than strings");
  CHECK(in_config(R"("platform":{"os.version":1})") == "config: platform: os.version is not a string");
  CHECK(in_config(R"("platform":{"variant":true})") == "config: platform: variant is not a string");
  for (const char* data : {"5", "[1]", R"("a")", R"("YQ=")", R"("YQ===")", R"("Y=Q=")", R"("Y-Q=")", R"("YWFh YQ==")"})
    CHECK(in_config(R"("data":)" + std::string(data)) == "config: data is not base64");
  for (const char* data : {"null", R"("")", R"("YQ==")", R"("YWE=")", R"("+/+/")", R"("Y\nQ=\r\n=")"})
    CHECK(in_config(R"("data":)" + std::string(data)) == "not refused");
}

TEST_CASE("null is an empty value, as Go reads it") {
  const std::string oci(media::oci_manifest);
  for (const char* name : {"layers", "manifests", "annotations", "subject", "artifactType", "mediaType"})
    CHECK(parse_manifest(oci, R"({"schemaVersion":2,"config":)" + descriptor(digest_a) + ",\"" + name + "\":null}"));
  CHECK(parse_manifest(oci, R"({"schemaVersion":2,"config":)" +
                                descriptor(digest_a, R"(,"urls":[null],"annotations":{"a":null},"data":null,
                                           "platform":{"os":null,"os.features":[null],"variant":null})") +
                                "}"));
  for (const std::string_view type : {media::docker_list, media::oci_index})
    for (const char* members : {"", R"(,"manifests":null)"}) {
      const auto bytes = R"({"schemaVersion":2,"mediaType":")" + std::string(type) + "\"" + members + "}";
      CHECK(parse_manifest(type, bytes)->contents.empty());
      CHECK(detect_manifest(bytes)->kind == parse_manifest(type, bytes)->kind);
    }
  CHECK(why_refused(media::oci_index, R"({"schemaVersion":2,"manifests":null})") == "manifests is missing");
  CHECK(why_refused(oci, R"({"schemaVersion":2,"config":null})") == "config is missing");
}

TEST_CASE("nesting is limited, and does not overflow the stack") {
  const auto nested = [](int depth) {
    return R"({"schemaVersion":2,"config":)" + descriptor(digest_a) + R"(,"x":)" + std::string(depth, '[') +
           std::string(depth, ']') + "}";
  };
  CHECK(parse_manifest(media::oci_manifest, nested(max_json_depth - 2)));
  CHECK(why_refused(media::oci_manifest, nested(max_json_depth + 1)) == "nested too deeply");
  CHECK(why_refused(media::oci_manifest, nested(1'000'000)) == "nested too deeply");
}

TEST_CASE("the number of values is limited, for what is pushed and for what is read") {
  const auto with = [](int values) {
    std::string text = R"({"schemaVersion":2,"config":)" + descriptor(digest_a) + R"(,"x":[0)";
    for (int i = 1; i < values; ++i) text += ",0";
    return text + "]}";
  };
  CHECK(parse_manifest(media::oci_manifest, with(max_json_values - 10)));
  CHECK(why_refused(media::oci_manifest, with(max_json_values)) == "too many values");
  CHECK_FALSE(detect_manifest(with(max_json_values)));
}

TEST_CASE("one byte more than the limit is too large") {
  std::string bytes = manifest(std::string(media::oci_manifest));
  bytes.append(max_manifest_bytes - bytes.size(), ' ');
  CHECK(parse_manifest(media::oci_manifest, bytes));
  CHECK(parse_manifest(media::oci_manifest, bytes + " ").error().code == Code::manifest_too_large);
}

TEST_CASE("stored bytes tell their kind") {
  CHECK(detect_manifest(manifest(std::string(media::docker_manifest)))->kind == ManifestKind::docker_manifest);
  CHECK(detect_manifest(index(std::string(media::docker_list)))->kind == ManifestKind::docker_list);
  CHECK(detect_manifest(R"({"schemaVersion":2,"manifests":[]})")->kind == ManifestKind::oci_index);
  CHECK(detect_manifest(R"({"schemaVersion":2,"config":)" + descriptor(digest_a) + "}")->kind ==
        ManifestKind::oci_manifest);
  CHECK(detect_manifest(R"({"schemaVersion":1,"fsLayers":[{"blobSum":"tarsum+sha256:1"},{"blobSum":")" + digest_a +
                        "\"}]}")
            ->contents.size() == 1);
  CHECK(detect_manifest(R"({"schemaVersion":1})")->kind == ManifestKind::schema1);
  CHECK_FALSE(detect_manifest(R"({"schemaVersion":3})"));
  CHECK_FALSE(detect_manifest(R"({"schemaVersion":2,"mediaType":"application/x"})"));
  // What another registry took with a duplicate key is still served.
  CHECK(detect_manifest(manifest(std::string(media::oci_manifest), R"(,"a":1,"a":2)")));
}
