#include <catch2/catch.hpp>

#include "model/digester.h"
#include "model/referrer.h"

using namespace berth;
using namespace berth::model;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');
const std::string subject = R"("subject":{"digest":")" + digest + R"("})";

std::string image(const std::string& members) {
  return R"({"schemaVersion":2,"config":{"mediaType":"c/t","digest":")" + digest + R"(","size":2},)" + members + "}";
}
std::string index(const std::string& members) { return R"({"schemaVersion":2,"manifests":[],)" + members + "}"; }

} // namespace

TEST_CASE("what a list of referrers says of a manifest") {
  struct Row {
    std::string bytes, type, annotations;
  };
  const auto row = GENERATE(values<Row>({
      {image(subject), "c/t", ""},
      {image(R"("artifactType":"a/t",)" + subject), "a/t", ""},
      {image(R"("artifactType":"",)" + subject), "c/t", ""},
      {image(R"("artifactType":7,)" + subject), "c/t", ""},
      {index(subject), "", ""},
      {index(R"("artifactType":"a/t",)" + subject), "a/t", ""},
      {image(R"("annotations":{"k":"v","n":7},)" + subject), "c/t", R"({"k":"v"})"},
      {image(R"("annotations":{},)" + subject), "c/t", ""},
      {image(R"("annotations":"text",)" + subject), "c/t", ""},
  }));
  CAPTURE(row.bytes);
  const auto read = read_referrer(row.bytes);
  REQUIRE(read);
  REQUIRE(*read);
  CHECK((*read)->subject.str() == digest);
  CHECK((*read)->artifact_type == row.type);
  CHECK((*read)->annotations == row.annotations);
  CHECK((*read)->size == row.bytes.size());
}

TEST_CASE("a manifest without a readable subject refers to nothing, in the store; it is not taken") {
  for (const std::string member : {R"("subject":7)", R"("subject":{"digest":"sha256:abc"})", R"("subject":{})"}) {
    CAPTURE(member);
    CHECK_FALSE(read_referrer(image(member)).value());
    CHECK_FALSE(parse_manifest("application/vnd.oci.image.manifest.v1+json", image(member)));
  }
  for (const std::string member : {R"("subject":null)", R"("x":1)"}) {
    CHECK_FALSE(read_referrer(image(member)).value());
    CHECK(parse_manifest("application/vnd.oci.image.manifest.v1+json", image(member)));
  }
  CHECK_FALSE(read_referrer("{}"));
}

TEST_CASE("the tag under which clients keep referrers") {
  CHECK(referrers_tag(Digest::parse(digest).value()).str() == "sha256-" + std::string(64, 'a'));
  CHECK(referrers_tag(Digest::parse("sha512:" + std::string(128, 'b')).value()).str() ==
        "sha512-" + std::string(64, 'b'));
}

TEST_CASE("tarsum digests are known where they are looked up, and nowhere else") {
  for (const std::string& text : {"tarsum+" + digest, "tarsum.v1+" + digest, "tarsum.dev+" + digest}) {
    CAPTURE(text);
    CHECK(Digest::parse_stored(text)->algorithm() == Algorithm::tarsum);
    CHECK(Digest::parse_stored(text)->hex() == std::string(64, 'a'));
    CHECK_FALSE(Digest::parse(text));
    CHECK_FALSE(CanonicalDigest::parse(text));
  }
  CHECK(Digest::parse_stored(digest)->algorithm() == Algorithm::sha256);
  CHECK_FALSE(parse_algorithm("tarsum"));
  for (const char* label : {"tarsum.v2+sha256", "tarsum", "tarsum+md5", "tarsum+tarsum+sha256", "tarsum+", "+sha256"})
    CHECK_FALSE(Digest::parse_stored(std::string(label) + ":" + std::string(64, 'a')));
}
