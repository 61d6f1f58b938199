// TarReader and TarSum, with the vector that docker's own tarsum gave.
#include <catch2/catch.hpp>

#include "base/encoding.h"
#include "model/tarsum.h"

using namespace berth;
using namespace berth::model;

namespace {

std::string field(std::string_view text, std::size_t width) {
  std::string bytes(width, '\0');
  text.copy(bytes.data(), width);
  return bytes;
}
std::string octal(std::uint64_t value, std::size_t width) {
  std::string text;
  for (; value > 0 || text.empty(); value /= 8) text.insert(text.begin(), static_cast<char>('0' + value % 8));
  return std::string(width - 1 - text.size(), '0') + text + '\0';
}

struct Header {
  std::string name;
  char type = '0';
  std::uint64_t size = 0;
  unsigned mode = 0644;
  std::string link = {};
  std::string magic = std::string("ustar\0"
                                  "00",
                                  8);
  std::string prefix = {};
};

std::string header(const Header& h) {
  std::string block = field(h.name, 100) + octal(h.mode, 8) + octal(0, 8) + octal(0, 8) + octal(h.size, 12) +
                      octal(1400000000, 12) + "        " + h.type + field(h.link, 100) + h.magic + field("root", 32) +
                      field("root", 32) + octal(0, 8) + octal(0, 8) + field(h.prefix, 155) + field("", 12);
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  block.replace(148, 8, octal(sum, 7) + ' ');
  return block;
}
std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 511) / 512 * 512, '\0');
  return bytes;
}
std::string entry(Header h, const std::string& content) {
  h.size = content.size();
  return header(h) + padded(content);
}
const std::string end(1024, '\0');

struct Listing final : TarVisitor {
  Result<> begin(const TarEntry& e) override {
    text += e.name + " " + e.type + " " + std::to_string(e.size) + (e.link.empty() ? "" : " -> " + e.link) + ": ";
    return {};
  }
  Result<> data(std::span<const std::byte> bytes) override {
    text += as_text(bytes);
    return {};
  }
  std::string text;
};

// What is told of an archive that comes in pieces of this many bytes.
std::string listing(const std::string& archive, std::size_t piece) {
  Listing list;
  TarReader reader(list);
  Result<> read;
  for (std::size_t at = 0; at < archive.size() && read; at += piece)
    read = reader.update(as_bytes(std::string_view(archive).substr(at, piece)));
  if (read) read = reader.finish();
  return read ? list.text : list.text + "ERROR " + read.error().message;
}

} // namespace

TEST_CASE("tarsum of a small archive is docker's") {
  const std::string archive = entry({"etc/", '5', 0, 0755}, "") + entry({"etc/motd"}, "hi\n") + end;
  Sha256 json;
  json.update(as_bytes(R"({"id":"1111111111111111111111111111111111111111111111111111111111111111",)"
                       R"("created":"2014-05-13T16:53:20Z"})"));
  TarSum without({}), with(json);
  REQUIRE(without.update(as_bytes(archive)));
  CHECK(without.finish().value() == "tarsum+sha256:d8f2d714a870134b0ec3a910c19b9562f969857c6597adf348758c45aa5ec301");
  for (const char c : archive) REQUIRE(with.update(as_bytes(std::string_view(&c, 1))));
  CHECK(with.finish().value() == "tarsum+sha256:a3f0b2389895c15495a0e6f08194bfdd28d1fe45647ed9e751d186663b65d5e6");
  TarSum empty({});
  REQUIRE(empty.update(as_bytes(end)));
  CHECK(empty.finish().value() == "tarsum+sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("an archive's sums are kept as long as there is room for them") {
  int asked = 0;
  TarSum sum({}, [&](std::size_t) { return ++asked < 3; });
  const std::string file = header({"x"});
  std::size_t entries = 0;
  while (sum.update(as_bytes(file))) ++entries;
  CHECK(asked == 3);
  CHECK(entries == 3 * TarSum::entries_a_question);
}

TEST_CASE("what is kept of PAX headers is bounded") {
  struct Nothing final : TarVisitor {
    Result<> begin(const TarEntry&) override { return {}; }
    Result<> data(std::span<const std::byte>) override { return {}; }
  } nothing;
  const auto record = [](const std::string& key, std::size_t size) {
    const std::string text = " " + key + "=" + std::string(size, 'v') + "\n";
    std::size_t length = text.size() + 1;
    while (std::to_string(length).size() + text.size() != length) ++length;
    return std::to_string(length) + text;
  };
  TarReader reader(nothing);
  CHECK(reader.update(as_bytes(entry({"Pax", 'g'}, record("SCHILY.xattr.user.x", 65536)) + entry({"a"}, ""))));
  CHECK_FALSE(reader.update(as_bytes(entry({"Pax", 'x'}, record("path", TarReader::max_text_bytes + 1)))));
  TarReader long_name(nothing);
  CHECK_FALSE(long_name.update(as_bytes(entry({"L", 'L'}, std::string(TarReader::max_text_bytes + 1, 'n')))));
}

TEST_CASE("entries of every dialect, in pieces of any size") {
  const std::string long_name(150, 'n');
  const std::string pax = "24 path=of/a/pax/header\n"
                          "19 mtime=12345.678\n";
  const std::string archive =
      entry({"plain"}, "abc") + entry({"dir/", '5'}, "") + entry({"link", '2', 0, 0777, "target"}, "") +
      entry({"late", '0', 0, 0644, "",
             std::string("ustar\0"
                         "00",
                         8),
             "early"},
            "x") +
      entry({"././@LongLink", 'L'}, long_name + '\0') + entry({"cut"}, std::string(600, 'y')) +
      entry({"PaxHeaders", 'x'}, pax) + entry({"short"}, "p") + entry({"after"}, "") + end + "rubbish";
  const std::string expected = "plain 0 3: abcdir/ 5 0: link 2 0 -> target: early/late 0 1: x" + long_name +
                               " 0 600: " + std::string(600, 'y') + "of/a/pax/header 0 1: pafter 0 0: ";
  for (const std::size_t piece : {1, 7, 511, 512, 513, 100000}) CHECK(listing(archive, piece) == expected);
}

TEST_CASE("what is no tar") {
  const std::string good = entry({"plain"}, "abc");
  std::string changed = good;
  changed[3] = 'X';
  CHECK(listing(changed, 512).find("checksum") != std::string::npos);
  CHECK(listing(std::string(512, 'x'), 512).find("ERROR") != std::string::npos);
  CHECK(listing(good.substr(0, 600), 512).find("ends inside") == std::string::npos); // only padding is missing
  CHECK(listing(good.substr(0, 514), 512).find("ends inside") != std::string::npos);
  CHECK(listing(good.substr(0, 100), 512).find("ends inside") != std::string::npos);
  CHECK(listing("", 512).empty());
  for (const std::string pax : {"x", "99 a=b\n", "6 a=b\nx", "0 a=b\n", "7 abc=\n\n", "5 ab\n"})
    CHECK(listing(entry({"PaxHeaders", 'x'}, pax) + good, 512).find("ERROR") != std::string::npos);
  CHECK(listing(header({"huge", 'L', 1ull << 32}), 512).find("too long") != std::string::npos);
}
