// Signatures: AWS's published examples, and those of another implementation (vectors/generate).
#include "driver/s3/signer.h"

#include <catch2/catch.hpp>

#include <array>

using namespace berth;
using namespace berth::driver::s3;

namespace {

const Credentials aws_example{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};

Time at(const char* text) { return parse_rfc3339(text).value(); }

std::string signature_of(const Pairs& added) {
  const std::string& text = added.back().second;
  return text.substr(text.find("Signature=") + 10);
}

struct Vector {
  std::string_view name, header, url;
};
constexpr Vector vectors[] = {
#include "unit/driver/s3/vectors/vectors.inc"
};

} // namespace

// "Authenticating Requests: Using the Authorization Header" and "... Query Parameters" of the S3 API reference.
TEST_CASE("the examples of the S3 API reference") {
  const Scope scope{.region = "us-east-1"};
  const Time now = at("2013-05-24T00:00:00Z");
  Signable request{.method = "GET",
                   .host = "examplebucket.s3.amazonaws.com",
                   .path = "/test.txt",
                   .headers = {{"range", "bytes=0-9"}, {"x-amz-content-sha256", std::string(empty_hash)}},
                   .payload_hash = empty_hash};
  CHECK(signature_of(sign(request, aws_example, scope, now)) ==
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  request.path = "/";
  request.headers = {{"x-amz-content-sha256", std::string(empty_hash)}};
  request.query = {{"lifecycle", ""}};
  CHECK(signature_of(sign(request, aws_example, scope, now)) ==
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};
  CHECK(signature_of(sign(request, aws_example, scope, now)) ==
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
  const Signable given_away{
      .method = "GET", .host = "examplebucket.s3.amazonaws.com", .path = "/test.txt", .payload_hash = unsigned_payload};
  const std::string url = presigned_query(given_away, aws_example, scope, now, std::chrono::hours(24));
  CHECK(url == "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
               "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
               "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_CASE("the signatures of another implementation") {
  constexpr std::string_view hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
  const Credentials long_term{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
  const Credentials temporary{"ASIDEXAMPLE", "secret/with+signs=", "FwoGZXIvYXdzEXAMPLE//token=="};
  struct Sent {
    Signable request;
    std::string_view hash;
  };
  const std::array<Sent, 4> sent{
      Sent{{.method = "GET",
            .host = "bucket.s3.eu-central-1.amazonaws.com",
            .path = "/docker/registry/v2/blobs/sha256/ab/abcd/data",
            .payload_hash = {}},
           empty_hash},
      {{.method = "PUT",
        .host = "127.0.0.1:9000",
        .path = "/bucket/with%20blank/%C3%A9",
        .headers = {{"x-amz-server-side-encryption", "AES256"}, {"if-none-match", "*"}},
        .payload_hash = {}},
       hash},
      {{.method = "GET",
        .host = "store.example",
        .path = "/bucket",
        .query = {{"prefix", "a/b c"}, {"list-type", "2"}, {"start-after", "x~\xc3\xa9"}, {"delimiter", "/"}},
        .payload_hash = {}},
       unsigned_payload},
      {{.method = "POST",
        .host = "store.example",
        .path = "/bucket/key",
        .query = {{"uploads", ""}},
        .headers = {{"x-amz-acl", "private"}},
        .payload_hash = {}},
       hash},
  };
  const Scope scope{.region = "eu-central-1"};
  const Time now = at("2026-03-04T05:06:07Z");
  std::size_t next = 0;
  for (const Sent& one : sent) {
    for (const Credentials& who : {long_term, temporary}) {
      const Vector& wanted = vectors[next++];
      CAPTURE(wanted.name);
      Signable request = one.request;
      request.payload_hash = one.hash;
      request.headers.emplace_back("x-amz-content-sha256", one.hash);
      CHECK(signature_of(sign(request, who, scope, now)) == wanted.header);
      request.payload_hash = unsigned_payload;
      const std::string url = presigned_query(request, who, scope, now, std::chrono::seconds(1500));
      CHECK(url.substr(url.find("X-Amz-Signature=") + 16) == wanted.url);
    }
  }
  CHECK(next == std::size(vectors));
}

TEST_CASE("a secret is in nothing that is sent") {
  const Signable request{.method = "GET", .host = "h", .path = "/", .payload_hash = empty_hash};
  for (const auto& [name, value] : sign(request, aws_example, {.region = "r"}, at("2026-03-04T05:06:07Z")))
    CHECK(value.find(aws_example.secret_key) == std::string::npos);
}
