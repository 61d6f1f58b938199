// The converter, against the ids and texts that docker/distribution 2.8 gives.
#include <catch2/catch.hpp>

#include "model/json_text.h"
#include "model/media_types.h"
#include "model/v1_image.h"

namespace berth::model {
namespace {

std::string hex64(char fill, char last) { return std::string(63, fill) + last; }

const std::string layer1 = "sha256:" + hex64('1', 'a');
const std::string layer2 = "sha256:" + hex64('2', 'b');
const std::string diff_ids = R"("rootfs":{"type":"layers","diff_ids":["sha256:)" + std::string(64, 'c') +
                             R"(","sha256:)" + std::string(64, 'd') + R"("]})";
const std::string vector_config =
    R"({"architecture":"amd64","config":{"Cmd":["/app"]},"created":"2024-01-02T03:04:05Z","history":[{"created":)"
    R"("2024-01-02T03:04:01Z","created_by":"ADD rootfs.tar / "},{"created":"2024-01-02T03:04:02Z","created_by":)"
    R"("ENV A=1","empty_layer":true},{"created":"2024-01-02T03:04:05Z","created_by":"COPY app /app"}],"os":"linux",)" +
    diff_ids + "}";

ContentReference content(std::string_view media_type, const std::string& digest) {
  return {std::string(media_type), Digest::parse(digest).value(), 100, {}, {}, {}};
}

ManifestInfo image(ManifestKind kind, std::string_view layer_type, const std::vector<std::string>& layers) {
  const bool docker = kind == ManifestKind::docker_manifest;
  ManifestInfo info{kind, true, {}};
  info.contents.push_back(content(docker ? media::docker_image_config : media::oci_image_config, layer1));
  for (const std::string& layer : layers) info.contents.push_back(content(layer_type, layer));
  return info;
}

ManifestInfo docker_image(const std::vector<std::string>& layers = {layer1, layer2}) {
  return image(ManifestKind::docker_manifest, media::docker_layer_gzip, layers);
}

std::string why_not(const ManifestInfo& info, const std::string& config) {
  const auto chain = v1_chain_of(info, config);
  if (chain) return "(converted)";
  CHECK(chain.error().code == Code::manifest_invalid);
  return chain.error().detail;
}

} // namespace

TEST_CASE("the chain of an image") {
  const V1Chain chain = v1_chain_of(docker_image(), vector_config).value();
  CHECK(chain.architecture == "amd64");
  REQUIRE(chain.images.size() == 3);
  const std::string id0 = "7fc5639e87ff2a7b2a31fccbc69339651a328c6535f94c882bbffd48449bd6aa";
  const std::string id1 = "b1090a59b8563f7cedbc90fc5ebec136c1df9ee473f2bb7e8f19d86c14347246";
  const std::string id2 = "7f553e96fc434dc64576e7376378e4bb1f132da19b6d1fa75705037f1fb0b1f1";
  const V1Image& top = chain.images[0];
  const V1Image& middle = chain.images[1];
  const V1Image& base = chain.images[2];
  CHECK(top.id == id2);
  CHECK(middle.id == id1);
  CHECK(base.id == id0);
  CHECK(middle.json == R"({"id":")" + id1 + R"(","parent":")" + id0 +
                           R"(","created":"2024-01-02T03:04:02Z","container_config":{"Cmd":["ENV A=1"]},)"
                           R"("throwaway":true})");
  CHECK(top.json == R"({"architecture":"amd64","config":{"Cmd":["/app"]},"created":"2024-01-02T03:04:05Z","id":")" +
                        id2 + R"(","os":"linux","parent":")" + id1 + R"("})");
  CHECK(base.json.find("parent") == std::string::npos);
  CHECK(top.blob.str() == layer2);
  CHECK(top.blob_size == 100);
  CHECK(middle.blob.str() == "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4");
  CHECK(middle.blob_size == 32);
  CHECK(middle.adds_nothing);
  CHECK(base.blob.str() == layer1);
  CHECK(chain.needs_empty_tar());
}

TEST_CASE("an OCI image has the same chain") {
  const ManifestInfo oci = image(ManifestKind::oci_manifest, media::oci_layer_gzip, {layer1, layer2});
  CHECK(v1_chain_of(oci, vector_config)->images[0].id == v1_chain_of(docker_image(), vector_config)->images[0].id);
}

TEST_CASE("numbers keep their spelling, strings are escaped, blanks go, the last duplicate counts") {
  const std::string config = R"( { "z" : 1.50e+3 , "a":{ "b" : "<&>\/" , "c" : [ 1 , 2 ] },"id":"x","n":null,)"
                             R"("big":123456789012345678901234567890,"z":2.0, "history":[{}], )" +
                             ("\"s\":\"\xe2\x80\xa8\"," + diff_ids + " }");
  ManifestInfo info = docker_image();
  const V1Chain chain = v1_chain_of(info, config).value(); // one entry, two layers: a plain history
  REQUIRE(chain.images.size() == 2);
  CHECK(chain.images[0].json == R"({"a":{"b":"\u003c\u0026\u003e\/","c":[1,2]},"big":123456789012345678901234567890,)"
                                R"("id":")" +
                                    chain.images[0].id + R"(","n":null,"parent":")" + chain.images[1].id +
                                    R"(","s":"\u2028","z":2.0})");
  CHECK_FALSE(chain.needs_empty_tar());
}

TEST_CASE("times are written as Go writes them") {
  const auto created_of = [](const std::string& created) {
    const std::string config = R"({"history":[{"created":)" + created + R"(},{}],)" + diff_ids + "}";
    const auto chain = v1_chain_of(docker_image(), config);
    if (!chain) return chain.error().detail;
    const std::string& json = chain->images[1].json;
    const std::size_t at = json.find("\"created\":\"") + 11;
    return json.substr(at, json.find('"', at) - at);
  };
  CHECK(created_of(R"("2024-01-02T03:04:05.120000000Z")") == "2024-01-02T03:04:05.12Z");
  CHECK(created_of(R"("2024-01-02T03:04:05.000Z")") == "2024-01-02T03:04:05Z");
  CHECK(created_of(R"("2024-01-02T03:04:05.1234567891Z")") == "2024-01-02T03:04:05.123456789Z");
  CHECK(created_of(R"("2024-02-29T03:04:05.5+02:00")") == "2024-02-29T03:04:05.5+02:00");
  CHECK(created_of(R"("2024-01-02T03:04:05+00:00")") == "2024-01-02T03:04:05Z");
  CHECK(created_of("null") == "0001-01-01T00:00:00Z");
  CHECK(created_of(R"("0001-01-01T00:00:00Z")") == "0001-01-01T00:00:00Z");
  for (const char* wrong : {"\"\"", "\"2024-02-30T03:04:05Z\"", "\"2024-01-02 03:04:05Z\"", "\"2024-01-02T03:04:05\"",
                            "\"2024-01-02T24:04:05Z\"", "\"2024-01-02T03:04:05.Z\"", "\"2024-01-02T03:04:05+2:00\""})
    CHECK(created_of(wrong).starts_with("not a time"));
  CHECK(created_of("5") == "created is not a string");
}

TEST_CASE("what the converter of docker/distribution does with a Windows base layer") {
  const std::string config = R"({"history":[{"created_by":"a"},{"created_by":"b"}],"rootfs":{"type":"layers+base",)"
                             R"("base_layer":"windowsservercore","diff_ids":["x","y"]}})";
  const V1Chain chain = v1_chain_of(docker_image(), config).value();
  CHECK(chain.images[1].id == "7fc5639e87ff2a7b2a31fccbc69339651a328c6535f94c882bbffd48449bd6aa"); // as without it
  CHECK(chain.images[1].json.find(R"("parent":"85b31ac54d161602ea1f2a8feffb7193cc7fcd6dcf93d418c6a00d6f8670aeae")") !=
        std::string::npos);
}

TEST_CASE("author and comment, and what has to be escaped") {
  const std::string config =
      R"({"history":[{"created_by":"a \u0001 \"q\" <b>\n","author":"A & B","comment":"c\\"},{}],)" + diff_ids + "}";
  const std::string& json = v1_chain_of(docker_image(), config)->images[1].json;
  CHECK(json.substr(json.find(",\"comment")) ==
        R"(,"comment":"c\\","created":"0001-01-01T00:00:00Z","container_config":{"Cmd":["a \u0001 \"q\" )"
        R"(\u003cb\u003e\n"]},"author":"A \u0026 B"})");
}

TEST_CASE("what cannot be converted") {
  CHECK(why_not(docker_image({layer1}), vector_config) == "the config has not one diff_id a layer");
  CHECK(why_not(docker_image(), "[]") == "not a JSON object");
  CHECK(why_not(docker_image(), "") != "(converted)");
  CHECK(why_not(docker_image({}), "{}") == "an image without layers and history");
  CHECK(why_not(docker_image(), R"({"rootfs":[]})") == "rootfs is not an object");
  CHECK(why_not(docker_image(), R"({"history":{}})") == "history is not an array");
  CHECK(why_not(docker_image(), R"({"history":[{"empty_layer":1}]})") == "empty_layer is not a boolean");
  CHECK(why_not(image(ManifestKind::oci_manifest, "application/vnd.oci.image.layer.v1.tar+zstd", {layer1, layer2}),
                vector_config) == "a layer that old clients cannot read: application/vnd.oci.image.layer.v1.tar+zstd");
  ManifestInfo artifact = docker_image();
  artifact.contents.front().media_type = "application/vnd.oci.empty.v1+json";
  CHECK(why_not(artifact, vector_config) == "not a container image, but application/vnd.oci.empty.v1+json");
  CHECK(why_not(ManifestInfo{ManifestKind::oci_index, true, {}}, vector_config) == "not an image");
}

TEST_CASE("JSON text") {
  CHECK(json_indent("{}", "", "  ") == "{}");
  CHECK(json_indent(R"({"a":[],"b":[1,{"c":"{[,:"}],"d":{}})", "", "  ") ==
        "{\n  \"a\": [],\n  \"b\": [\n    1,\n    {\n      \"c\": \"{[,:\"\n    }\n  ],\n  \"d\": {}\n}");
  CHECK(json_indent("[1]", "> ", "-") == "[\n> -1\n> ]");
  CHECK(json_compact(" { \"a b\" : [ 1 , \"\\\" \" ] } ") == "{\"a b\":[1,\"\\\" \"]}");
  const std::string object = "{ \"a\\u0062\" : 1 , \"c\":\"}\", \"d\" : [ 1,\n{}] }\n";
  const auto members = json_members(object);
  REQUIRE(members.size() == 3);
  CHECK(members[0].name == "ab");
  CHECK(members[0].value == "1");
  CHECK(members[1].value == "\"}\"");
  CHECK(members[2].value == "[ 1,\n{}]");
  CHECK(json_members("{}").empty());
}

} // namespace berth::model
