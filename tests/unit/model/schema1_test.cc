// Signed schema1 manifests: what docker/libtrust signed, and what berth signs.
#include "model/schema1.h"

#include <catch2/catch.hpp>

#include "model/jose_base64.h"
#include "model/media_types.h"
#include "unit/model/libtrust_documents.h"

namespace berth::model {
namespace {

const Time now = parse_rfc3339("2024-01-02T03:04:05Z").value();

const std::string payload = R"({
   "schemaVersion": 1,
   "name": "a/b",
   "tag": "t",
   "architecture": "amd64",
   "fsLayers": [],
   "history": []
})";
const std::string digest = "sha256:21c19240320d447e6821a8e336fcc2c14e82b1a026f5b363b862dbdfc95062da";
const std::string signature = "M8jaFoTGJFcDwohqPaGKD9B-VkH7pOH9BZe8MPNNLqkcN2Bg0Z9LreHbVF_EukG-nQEUdddmJoGyFV-YhT9Tbw";
const std::string header =
    "eyJmb3JtYXRMZW5ndGgiOjEyMSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI0LTAxLTAyVDAzOjA0OjA1WiJ9";
const std::string key_id = "K3B6:QEKE:MPAS:ILSJ:FJVS:2EJM:BGRO:KH2B:FGPB:A2D5:O7DG:M3O6";
const std::string jwk = R"({"crv":"P-256","kid":")" + key_id +
                        R"(","kty":"EC","x":"2M0S6lxn8vigDBEkiT7c-mdUxNbO3mvhO98ilcgQqX8",)"
                        R"("y":"paidLSo2DAyppNbHye1LKNPhmdZify5pbWicMQpbD0g"})";
const std::string private_jwk =
    R"({"kty":"EC","crv":"P-256","d":"ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8",)" + jwk.substr(jwk.find("\"x\""));

std::string block(const std::string& key = jwk, const std::string& algorithm = "ES256",
                  const std::string& signature_text = signature, const std::string& header_text = header) {
  return R"({"header":{"jwk":)" + key + R"(,"alg":")" + algorithm + R"("},"signature":")" + signature_text +
         R"(","protected":")" + header_text + R"("})";
}
std::string with_blocks(const std::string& blocks, const std::string& signed_part = payload) {
  return signed_part.substr(0, signed_part.size() - 2) + ",\n   \"signatures\": " + blocks + "\n}";
}
std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

SigningKey key_of(const std::string& text) { return SigningKey::parse(text).value(); }

// A payload signed with berth's own key.
std::string sign(const std::string& content) {
  return assemble_schema1(content, {sign_schema1(content, key_of(private_jwk), now).value()});
}

struct Refusal {
  Code code = Code::unknown;
  std::string detail = "(taken)";
};
Refusal refusal(const std::string& document) {
  const auto parsed = parse_signed_schema1(document);
  return parsed ? Refusal{} : Refusal{parsed.error().code, parsed.error().detail};
}

} // namespace

TEST_CASE("a signed manifest, its payload and digest") {
  const auto parsed = parse_signed_schema1(with_blocks("[" + block() + "]"));
  REQUIRE(parsed);
  CHECK(parsed->payload == payload);
  CHECK(CanonicalDigest::of_bytes(parsed->payload).str() == digest);
  CHECK(parsed->name.str() == "a/b");
  CHECK(parsed->tag == "t");
  CHECK(parsed->info.kind == ManifestKind::schema1);
  REQUIRE(parsed->signatures.size() == 1);
  CHECK(parsed->signatures[0].key_id == key_id);
  CHECK(parsed->signatures[0].block == block());
  const std::string served = assemble_schema1(parsed->payload, parsed->signatures);
  CHECK(served.size() == 766);
  CHECK(served.find("\"history\": [],\n   \"signatures\": [\n      {\n         \"header\": {") != std::string::npos);
  CHECK(served.ends_with("\"\n      }\n   ]\n}"));
  CHECK(parse_signed_schema1(served)->payload == payload);
}

TEST_CASE("what libtrust signed is verified, and written again byte for byte") {
  const auto all = parse_signed_schema1(test::signed_with_all);
  REQUIRE(all);
  CHECK(all->signatures.size() == 6);
  CHECK(CanonicalDigest::of_bytes(all->payload).str() == digest);
  for (const std::string& document : {test::signed_with_all, test::signed_with_certificate, test::signed_compact}) {
    const auto parsed = parse_signed_schema1(document);
    REQUIRE(parsed);
    CHECK(assemble_schema1(parsed->payload, parsed->signatures) == document);
    for (const Schema1Signature& one : parsed->signatures) {
      const auto again = parse_schema1_signature(parsed->payload, one.block);
      REQUIRE(again);
      CHECK(again->block == one.block);
      CHECK(parse_schema1_signature(parsed->payload + "\n", one.block).error().code == Code::manifest_invalid);
    }
  }
}

TEST_CASE("a signature of anything else is refused") {
  for (const std::string& document : {test::signed_with_all, test::signed_with_certificate, test::signed_compact}) {
    CHECK(refusal(replaced(document, "amd64", "arm64")).code == Code::manifest_unverified);
    // Each signature by itself: another character in its middle.
    std::size_t count = 0;
    for (std::size_t at = 0; (at = document.find("\"signature\":", at)) != std::string::npos; ++at, ++count) {
      std::string changed = document;
      char& c = changed[document.find('"', at + 12) + 40];
      c = c == 'A' ? 'B' : 'A';
      CHECK(refusal(changed).code == Code::manifest_unverified);
    }
    CHECK(count >= 1);
  }
}

TEST_CASE("signing with keys of every form") {
  for (const std::string& text :
       {private_jwk, test::libtrust_key, key_of(private_jwk).pem(), SigningKey::generate()->pem()}) {
    const SigningKey key = key_of(text);
    const auto signed_by = sign_schema1(payload, key, now);
    REQUIRE(signed_by);
    const auto parsed = parse_signed_schema1(assemble_schema1(payload, {*signed_by}));
    REQUIRE(parsed);
    CHECK(parsed->signatures[0].key_id == key.public_key().id());
    CHECK(key_of(key.pem()).public_key().id() == key.public_key().id());
  }
  CHECK(key_of(private_jwk).public_key().id() == key_id);
  CHECK(key_of(private_jwk).public_key().jwk() == jwk);
  CHECK(key_of(private_jwk).algorithm() == "ES256");
  CHECK(sign_schema1(payload, key_of(private_jwk), now)->block.find(header) != std::string::npos);
  for (const char* wrong : {"", "{}", "{\"kty\":\"EC\"}", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n", "xyz"})
    CHECK(SigningKey::parse(wrong).error().code == Code::invalid);
  CHECK(SigningKey::parse(jwk).error().code == Code::invalid); // public
}

TEST_CASE("signatures are merged, each once, in the order of key ids") {
  const auto by_all = parse_signed_schema1(test::signed_with_all)->signatures;
  std::vector<Schema1Signature> signatures{sign_schema1(payload, key_of(private_jwk), now).value()};
  signatures.insert(signatures.end(), by_all.begin(), by_all.end());
  signatures.push_back(by_all[2]);
  const auto parsed = parse_signed_schema1(assemble_schema1(payload, signatures));
  REQUIRE(parsed);
  CHECK(parsed->signatures.size() == 7);
  CHECK(std::ranges::is_sorted(parsed->signatures, {}, &Schema1Signature::key_id));
}

TEST_CASE("keys that are refused") {
  const auto why = [](const std::string& key, const std::string& algorithm = "ES256") {
    return refusal(with_blocks("[" + block(key, algorithm) + "]"));
  };
  CHECK(why(replaced(jwk, "K3B6", "K3B7")).detail == "key: kid is not the key's id");
  CHECK(why(replaced(jwk, "P-256", "P-384")).detail == "key: a coordinate of the wrong length");
  CHECK(why(replaced(jwk, "P-256", "secp256k1")).detail == "key: the curve is none of P-256, P-384 and P-521");
  CHECK(why(replaced(jwk, "paidLSo2", "paidLSo3")).detail == "key: not a point of its curve");
  CHECK(why(replaced(jwk, "\"EC\"", "\"oct\"")).detail == "key: kty is neither EC nor RSA");
  CHECK(why("{}").code == Code::manifest_invalid);
  CHECK(why("[]").code == Code::manifest_invalid);
  CHECK(why(jwk, "ES384").code == Code::manifest_unverified);
  CHECK(why(jwk, "none").code == Code::manifest_unverified);
  CHECK(why(jwk, "HS256").code == Code::manifest_unverified);
  CHECK(why(jwk, "RS256").code == Code::manifest_unverified);
  const auto rsa = [&](std::size_t bytes, const std::string& e) {
    const std::string n(bytes * 4 / 3, 'v');
    return why(R"({"kty":"RSA","e":")" + e + R"(","n":")" + n + R"("})", "RS256");
  };
  CHECK(rsa(96, "AQAB").detail == "key: RSA keys have 1024 to 8192 bits");
  CHECK(rsa(1026, "AQAB").detail.starts_with("key: "));
  CHECK(rsa(1026, "AQAB").code == Code::manifest_invalid);
  CHECK(rsa(2048, "AQAB").detail == "key: n is too long");
  CHECK(rsa(258, "AQ").detail == "key: not an RSA exponent");
  CHECK(rsa(258, "AAAA").detail == "key: not an RSA exponent");
  CHECK(rsa(258, "AQAAAAE").detail == "key: not an RSA exponent");
  CHECK(rsa(258, "AQAB").code == Code::manifest_unverified);
}

TEST_CASE("documents that are no signed manifest") {
  using enum Code;
  CHECK(refusal(payload).detail == "missing signatures");
  CHECK(refusal(with_blocks("[]")).code == manifest_invalid);
  CHECK(refusal(with_blocks("{}")).code == manifest_invalid);
  CHECK(refusal(with_blocks("[{}]")).detail == "a signature without a header");
  CHECK(refusal(with_blocks("[1]")).code == manifest_invalid);
  CHECK(refusal("").code == manifest_invalid);
  CHECK(refusal("[]").code == manifest_invalid);
  CHECK(refusal(with_blocks(R"([{"header":{"alg":"ES256"},"signature":")" + signature + R"(","protected":")" + header +
                            "\"}]"))
            .detail == "a signature without a key");
  std::string many;
  for (int i = 0; i < 33; ++i) many += (i > 0 ? "," : "") + block();
  CHECK(refusal(with_blocks("[" + many + "]")).detail == "more than 32 signatures");
  const std::string large = R"({"hosts":")" + std::string(40'000, 'x') + "\"," + jwk.substr(1);
  CHECK(refusal(with_blocks("[" + block(large) + "]")).detail == "a signature of more than 32 KiB");
  CHECK(refusal(std::string(max_manifest_bytes + 1, ' ')).code == manifest_too_large);

  const auto with_header = [](const std::string& text) {
    return refusal(with_blocks("[" + block(jwk, "ES256", signature, to_jose_base64(text)) + "]"));
  };
  CHECK(with_header("{}").detail == "formatLength is missing or out of range");
  CHECK(with_header(R"({"formatLength":-1,"formatTail":"Cn0"})").detail == "formatLength is missing or out of range");
  CHECK(with_header(R"({"formatLength":1e9,"formatTail":"Cn0"})").code == manifest_invalid);
  CHECK(with_header(R"({"formatLength":100000,"formatTail":"Cn0"})").code == manifest_invalid);
  CHECK(with_header(R"({"formatLength":121})").detail == "formatTail is missing");
  CHECK(with_header(R"({"formatLength":121,"formatTail":"!"})").code == manifest_invalid);
  CHECK(with_header(R"({"formatLength":122,"formatTail":"Cn0"})").code == manifest_invalid);
  CHECK(with_header(R"({"formatLength":121,"formatTail":"fQ"})").code == manifest_unverified); // another payload
  CHECK(with_header("nothing").code == manifest_invalid);
  const std::string other = block(jwk, "ES256", signature, to_jose_base64(R"({"formatLength":1,"formatTail":"Cn0"})"));
  CHECK(refusal(with_blocks("[" + block() + "," + other + "]")).detail == "the signatures are of different contents");
}

TEST_CASE("only what is signed counts") {
  // Behind the signed part a document can say what it likes.
  const std::string document =
      replaced(with_blocks("[" + block() + "]"), "\"signatures\"", "\"more\": 1, \"signatures\"");
  const auto parsed = parse_signed_schema1(document);
  REQUIRE(parsed);
  CHECK(parsed->payload == payload);
  CHECK(assemble_schema1(parsed->payload, parsed->signatures).find("more") == std::string::npos);
}

TEST_CASE("payloads that are no schema1 manifest") {
  using enum Code;
  const auto changed = [](const std::string& what, const std::string& by) {
    return refusal(sign(replaced(payload, what, by)));
  };
  CHECK(changed(": 1,", ": 2,").code == manifest_invalid);
  CHECK(changed("\"a/b\"", "\"A/b\"").code == name_invalid);
  CHECK(changed("\"a/b\"", "\"" + std::string(256, 'a') + "\"").code == name_invalid);
  CHECK(changed("\"a/b\"", "7").code == manifest_invalid);
  CHECK(changed("\"fsLayers\": []", R"("fsLayers": [{"blobSum": ")" + digest + "\"}]").detail ==
        "mismatched history and fslayer cardinality 0 != 1");
  CHECK(changed("\"fsLayers\": []", "\"fsLayers\": {}").detail == "fsLayers is not an array");
  CHECK(changed("\"history\": []", "\"history\": [1]").code == manifest_invalid);
  CHECK(changed("\"history\": []", R"("history": [{"v1Compatibility": {}}])").code == manifest_invalid);
  CHECK(changed("\"tag\"", "\"tag\": \"u\", \"tag\"").code == manifest_invalid);
  CHECK(refusal(sign(replaced(replaced(payload, "\"fsLayers\": []", R"("fsLayers": [{"blobSum": "sha256:1"}])"),
                              "\"history\": []", R"("history": [{"v1Compatibility": "{}"}])")))
            .code == digest_invalid);
  CHECK(sign_schema1("[]", key_of(private_jwk), now).error().code == manifest_invalid);
  CHECK(sign_schema1("{\"a\":1,}", key_of(private_jwk), now).error().code == manifest_invalid);
}

TEST_CASE("payloads laid out in other ways keep their layout") {
  for (const std::string& content : {std::string(R"({"schemaVersion":1,"name":"a/b"})"),
                                     std::string("{\n\t\"schemaVersion\": 1, \"name\":\"a\"\n}\n"),
                                     std::string("{ \n\"schemaVersion\": 1, \"name\":\"a\" }  \n"),
                                     std::string("{\n\"schemaVersion\":1,\"name\":\"a\"}")}) {
    const std::string document = sign(content);
    const auto parsed = parse_signed_schema1(document);
    REQUIRE(parsed);
    CHECK(parsed->payload == content);
    CHECK(assemble_schema1(content, parsed->signatures) == document);
  }
}

TEST_CASE("the payload of a converted image") {
  const auto digest_of = [](char fill, char last) {
    return Digest::parse("sha256:" + std::string(63, fill) + last).value();
  };
  const ManifestInfo image{ManifestKind::docker_manifest,
                           true,
                           {{std::string(media::docker_image_config), digest_of('0', '0'), 1, {}, {}, {}},
                            {std::string(media::docker_layer_gzip), digest_of('1', 'a'), 1, {}, {}, {}},
                            {std::string(media::docker_layer_gzip), digest_of('2', 'b'), 1, {}, {}, {}}}};
  const std::string config =
      R"({"architecture":"amd64","config":{"Cmd":["/app"]},"created":"2024-01-02T03:04:05Z","history":[{"created":)"
      R"("2024-01-02T03:04:01Z","created_by":"ADD rootfs.tar / "},{"created":"2024-01-02T03:04:02Z","created_by":)"
      R"("ENV A=1","empty_layer":true},{"created":"2024-01-02T03:04:05Z","created_by":"COPY app /app"}],"os":"linux",)"
      R"("rootfs":{"type":"layers","diff_ids":["sha256:)" +
      std::string(64, 'c') + R"(","sha256:)" + std::string(64, 'd') + R"("]}})";
  const std::string made =
      schema1_payload(RepositoryName::parse("team/app").value(), "v1", v1_chain_of(image, config).value());
  CHECK(made.size() == 1309);
  CHECK(CanonicalDigest::of_bytes(made).str() ==
        "sha256:20cca02ede4b764b1343430ce7028b04ae6f0f345baba3ad7bfead2dd937f126");
  const auto parsed = parse_signed_schema1(sign(made));
  REQUIRE(parsed);
  CHECK(parsed->info.contents.size() == 3);
}

} // namespace berth::model
