// storage.s3: what is taken, and what is refused with which words.
#include <catch2/catch.hpp>

#include "unit/config/loading.h"

namespace berth::config {
namespace {

Result<Loaded> load_s3(const std::string& keys, const std::string& rest = "", const std::string& name = "s3") {
  return parse("version: 0.1\nstorage:\n  " + name + ": {" + keys + "}\n" + rest, "config.yml", {});
}

std::string refusal(const std::string& keys, const std::string& rest = "") {
  const auto loaded = load_s3(keys, rest);
  return loaded ? "loaded" : loaded.error().message;
}

TEST_CASE("a bucket with its defaults, by both names") {
  for (const char* name : {"s3", "s3aws"}) {
    const auto loaded = load_s3("bucket: images, region: eu-central-1, rootdirectory: /a/b/", "", name);
    REQUIRE(loaded);
    CHECK(loaded->warnings.empty());
    const Config& config = loaded->config;
    CHECK(config.storage.is_in_bucket());
    CHECK(config.storage.shown() == "s3://images/a/b in eu-central-1");
    CHECK(config.storage.s3.root_directory == "a/b");
    CHECK(config.storage.s3.secure);
    CHECK_FALSE(config.storage.s3.force_path_style);
    CHECK(config.storage.s3.storage_class.empty());
    CHECK(config.berth.state_directory == "/var/lib/registry/berth");
  }
  CHECK_FALSE(config_of("").storage.is_in_bucket());
}

TEST_CASE("every key of a bucket") {
  const auto loaded =
      load_s3("bucket: images, regionendpoint: 'http://127.0.0.1:9000/', accesskey: AK, secretkey: s/k+, "
              "forcepathstyle: false, "
              "encrypt: true, keyid: arn, secure: false, skipverify: true, v4auth: true, storageclass: glacier_ir, "
              "objectacl: bucket-owner-full-control, useragent: me, redirectendpoint: 'https://images.example.com'",
              "berth: {statedirectory: /var/lib/berth}\n");
  REQUIRE(loaded);
  CHECK(loaded->warnings.empty());
  const Config& config = loaded->config;
  CHECK(config.storage.shown() == "s3://images at http://127.0.0.1:9000");
  CHECK(config.storage.s3.force_path_style == false);
  CHECK(config.storage.s3.storage_class == "GLACIER_IR");
  CHECK(config.storage.s3.redirect_endpoint == "https://images.example.com");
  CHECK(config.berth.state_directory == "/var/lib/berth");
  CHECK(config.berth.spool.starts_with("/var/lib/berth/"));
  CHECK(load_s3("bucket: images, region: r1, storageclass: NONE")->config.storage.s3.storage_class.empty());
}

TEST_CASE("what a bucket is not to be") {
  CHECK(refusal("region: r1") ==
        "config.yml:3: storage.s3.bucket: (nothing): allowed is a bucket's name, which must be "
        "given");
  CHECK(refusal("bucket: images").starts_with("config.yml:3: storage.s3.region: (nothing): allowed is a region"));
  for (const auto& [keys, words] : {
           std::pair("bucket: a/b, region: r1", "storage.s3.bucket: \"a/b\": allowed is a bucket's name"),
           {"bucket: images, region: 'r 1'", "storage.s3.region"},
           {"bucket: images, regionendpoint: 'http://h/path'", "storage.s3.regionendpoint"},
           {"bucket: images, regionendpoint: 'http://u:p@h'", "storage.s3.regionendpoint"},
           {"bucket: images, region: r1, accesskey: AK", "storage.s3.secretkey: (nothing)"},
           {"bucket: images, region: r1, secretkey: hidden", "storage.s3.accesskey: (nothing)"},
           {"bucket: images, region: r1, v4auth: false", "allowed is true: berth signs by version 4 alone"},
           {"bucket: images, region: r1, storageclass: COLD", "allowed is STANDARD, "},
           {"bucket: images, region: r1, objectacl: open", "allowed is private, "},
           {"bucket: images, regionendpoint: h, accelerate: true", "without regionendpoint"},
           {"bucket: images, region: r1, redirectendpoint: 'https://h/p'", "storage.s3.redirectendpoint"},
           {"bucket: images, region: r1, useragent: \"a\\nb\"", "storage.s3.useragent"},
       }) {
    CAPTURE(keys);
    CHECK_THAT(refusal(keys), Catch::Contains(words));
    CHECK_THAT(refusal(keys), !Catch::Contains("hidden"));
  }
  CHECK_THAT(refusal("bucket: images, region: r1, secretkey: 'hid den', accesskey: AK"),
             Catch::Contains("storage.s3.secretkey: (secret)"));
  CHECK_THAT(refusal("bucket: images, region: r1", "  redirect: {disable: true}\n"),
             Catch::Contains("config.yml:4: storage.redirect.disable: \"true\": allowed is false: berth cannot send"));
  CHECK(refusal("bucket: images, region: r1", "  redirect: {disable: false}\n") == "loaded");
}

} // namespace
} // namespace berth::config
