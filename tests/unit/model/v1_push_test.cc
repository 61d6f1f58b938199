// What v1 clients push: ids, JSON, and the image of today that becomes of them.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "model/image_id.h"
#include "model/manifest.h"
#include "model/media_types.h"
#include "model/v1_push.h"

using namespace berth;
using namespace berth::model;

namespace {

const std::string one(64, '1'), two(64, '2');

V1Part part(const std::string& json, const std::string& layer) {
  return {json,
          {std::string(media::docker_layer_gzip), layer.size(), CanonicalDigest::of_bytes(layer)},
          CanonicalDigest::of_bytes("plain " + layer)};
}

} // namespace

TEST_CASE("an image id is 64 lower-case hexadecimal digits") {
  CHECK(ImageId::parse(one)->str() == one);
  for (const std::string& text : {std::string(), one.substr(1), one + "1", std::string(64, 'A'), std::string(64, 'g'),
                                  "../" + one.substr(3), one.substr(1) + "\n"})
    CHECK(ImageId::parse(text).error().code == Code::image_unknown);
}

TEST_CASE("the JSON of an image names it and its parent") {
  const auto base = parse_v1_json(R"({"id":")" + one + "\"}");
  REQUIRE(base);
  CHECK(base->id.str() == one);
  CHECK_FALSE(base->parent);
  CHECK_FALSE(parse_v1_json(R"({"id":")" + one + R"(","parent":""})")->parent);
  CHECK_FALSE(parse_v1_json(R"({"id":")" + one + R"(","parent":null})")->parent);
  CHECK(parse_v1_json(R"({"id":")" + one + R"(","parent":")" + two + "\"}")->parent->str() == two);

  const std::pair<std::string, std::string> wrong[] = {
      {"", "Invalid JSON"},
      {"[]", "Invalid JSON"},
      {"{}x", "Invalid JSON"},
      {"{}", "Missing key `id' in JSON"},
      {R"({"id":1})", "JSON data contains invalid id"},
      {R"({"id":")" + one + R"(","parent":7})", "JSON data contains invalid parent"},
      {R"({"id":")" + one + R"(","parent":"x"})", "JSON data contains invalid parent"},
      {R"({"id":")" + one + R"(","parent":")" + one + "\"}", "JSON data contains invalid parent"},
  };
  for (const auto& [json, message] : wrong) {
    CAPTURE(json);
    const auto refused = parse_v1_json(json);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::image_invalid);
    CHECK(refused.error().message == message);
  }
}

TEST_CASE("a chain of images becomes a config and a manifest") {
  const std::vector<V1Part> parts{
      part(R"({"id":")" + two + R"(","parent":")" + one +
               R"(","os":"linux","created":"2014-05-13T16:53:20Z","author":"me","Size":7,"config":{"Cmd":["/bin/sh"]},)"
               R"("container_config":{"Cmd":["/bin/sh","-c","make"]},"n":1.5})",
           "top"),
      part(R"({"id":")" + one + R"(","throwaway":true,"comment":"nothing","container_config":{"Cmd":null}})", "empty"),
      part(R"({"id":")" + std::string(64, '3') + R"(","created":""})", "base"),
  };
  const auto made = docker_image_of(parts);
  REQUIRE(made);
  CHECK(docker_image_of(parts)->config == made->config);
  const auto config = nlohmann::json::parse(made->config);
  CHECK(config ==
        nlohmann::json::parse(
            R"({"architecture":"amd64","os":"linux","created":"2014-05-13T16:53:20Z","author":"me","n":1.5,)"
            R"("config":{"Cmd":["/bin/sh"]},"container_config":{"Cmd":["/bin/sh","-c","make"]},"history":[{},)"
            R"({"comment":"nothing","empty_layer":true},{"created":"2014-05-13T16:53:20Z","author":"me",)"
            R"("created_by":"/bin/sh -c make"}],"rootfs":{"type":"layers","diff_ids":[")" +
            parts[2].diff_id.str() + R"(",")" + parts[0].diff_id.str() + R"("]}})"));
  const auto diff_ids = diff_ids_of(made->config);
  REQUIRE(diff_ids);
  CHECK(*diff_ids == std::vector<Digest>{parts[2].diff_id, parts[0].diff_id});

  const auto manifest = parse_manifest(media::docker_manifest, made->manifest);
  REQUIRE(manifest);
  REQUIRE(manifest->contents.size() == 3);
  CHECK(manifest->contents[0].digest == CanonicalDigest::of_bytes(made->config));
  CHECK(manifest->contents[1].digest == parts[2].layer.digest);
  CHECK(manifest->contents[2].digest == parts[0].layer.digest);
  CHECK(manifest->contents[2].media_type == media::docker_layer_gzip);
}
