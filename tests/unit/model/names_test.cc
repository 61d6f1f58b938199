#include <catch2/catch.hpp>

#include "model/byte_range.h"
#include "model/names.h"

using namespace berth;
using namespace berth::model;

TEST_CASE("repository names by the grammar") {
  for (const std::string& name :
       {std::string("a"), std::string("a/b/c"), std::string("library/ubuntu"), std::string("a.b_c__d-e--f---g"),
        std::string("0/1"), std::string(255, 'a'), std::string("blobs/uploads/manifests")}) {
    CAPTURE(name);
    CHECK(RepositoryName::parse(name));
  }
  for (const std::string& name :
       {std::string(""),     std::string("/"),       std::string("/a"),       std::string("a/"),
        std::string("a//b"), std::string("A"),       std::string("a/B"),      std::string("."),
        std::string(".."),   std::string("a/../b"),  std::string("a..b"),     std::string("a___b"),
        std::string("a_-b"), std::string("-a"),      std::string("a-"),       std::string("_a"),
        std::string("a_"),   std::string("a."),      std::string("a b"),      std::string("a:b"),
        std::string("a\\b"), std::string("a\0b", 3), std::string("\xc3\xa4"), std::string(256, 'a')}) {
    CAPTURE(name);
    const auto parsed = RepositoryName::parse(name);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::name_invalid);
  }
}

TEST_CASE("tags by the grammar") {
  for (const std::string& tag :
       {std::string("latest"), std::string("1.0"), std::string("_x"), std::string("A-b.c_d"), std::string(128, 'x')})
    CHECK(Tag::parse(tag));
  for (const std::string& tag : {std::string(""), std::string(".x"), std::string("-x"), std::string("a/b"),
                                 std::string("a:b"), std::string("a b"), std::string(129, 'x'), std::string("..")}) {
    CAPTURE(tag);
    CHECK_FALSE(Tag::parse(tag));
  }
}

TEST_CASE("upload ids cannot leave their directory") {
  CHECK(UploadId::parse("7d2f0c1e-3b54-4e0e-9a56-0f1e2d3c4b5a"));
  for (const std::string& id : {std::string(""), std::string("."), std::string(".."), std::string(".hidden"),
                                std::string("a/b"), std::string("a%2fb"), std::string("a=b"), std::string(129, 'a')}) {
    CAPTURE(id);
    CHECK_FALSE(UploadId::parse(id));
  }
}

TEST_CASE("a reference with a colon is a digest") {
  CHECK(std::holds_alternative<Tag>(parse_reference("v1").value()));
  CHECK(std::holds_alternative<Digest>(parse_reference("sha256:" + std::string(64, '0')).value()));
  CHECK(parse_reference("sha256:xyz").error().code == Code::digest_invalid);
  CHECK(parse_reference(".bad").error().code == Code::tag_invalid);
}

TEST_CASE("the Content-Range of a chunk") {
  CHECK(parse_content_range("0-9").value() == ByteRange{0, 10});
  CHECK(parse_content_range("5-5").value() == ByteRange{5, 6});
  CHECK(parse_content_range("bytes 10-19/*").value() == ByteRange{10, 20});
  CHECK(parse_content_range("bytes 10-19/100").value() == ByteRange{10, 20});
  for (const std::string text : {"", "-", "0", "9-0", "a-b", "-5-6", "0-9-", "0x1-2", "1-99999999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_content_range(text));
  }
}

TEST_CASE("the Range of an upload's replies") {
  CHECK(format_upload_range(0) == "0-0");
  CHECK(format_upload_range(1) == "0-0");
  CHECK(format_upload_range(100) == "0-99");
}

TEST_CASE("which ranges of a ten-byte blob are satisfiable") {
  for (const std::string text : {"bytes=0-", "bytes=0-0", "bytes=9-", "bytes=9-100", "bytes=-1", "bytes=-100",
                                 "bytes=20-30,5-6", "items=99-", "", "bytes = 0-1", "bytes= 0 - 1 , -2"}) {
    CAPTURE(text);
    CHECK(is_satisfiable(text, 10));
  }
  for (const std::string text : {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=5-2", "bytes=", "bytes=a-b", "bytes=1",
                                 "bytes=10-,20-", "bytes=0-1,x"}) {
    CAPTURE(text);
    CHECK_FALSE(is_satisfiable(text, 10));
  }
  CHECK_FALSE(is_satisfiable("bytes=0-", 0));
  CHECK_FALSE(is_satisfiable("bytes=-1", 0));
}
