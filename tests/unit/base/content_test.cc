#include <catch2/catch.hpp>

#include "base/content.h"
#include "unit/temp_dir.h"

using namespace berth;

namespace {

std::string drain(const Content& content) {
  std::string bytes;
  REQUIRE(content.read([&](std::span<const std::byte> piece) -> Result<> {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  }));
  return bytes;
}

} // namespace

TEST_CASE("content in memory and content in a file read alike") {
  const test::TempDir dir;
  const std::string bytes(700'001, 'x'); // several pieces
  CHECK(drain(Content::of(bytes)) == bytes);
  const auto file = Content::open(dir.write("spooled", bytes));
  REQUIRE(file);
  CHECK(file->size() == bytes.size());
  CHECK(drain(*file) == bytes);
}

TEST_CASE("a sink's error ends the reading") {
  int calls = 0;
  const auto result = Content::of("abc").read([&](auto) -> Result<> {
    ++calls;
    return fail(Code::busy);
  });
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Code::busy);
  CHECK(calls == 1);
}

TEST_CASE("only regular files are opened, and no symbolic links") {
  const test::TempDir dir;
  CHECK(Content::open(dir.path() + "/missing").error().code == Code::not_found);
  CHECK(Content::open(dir.path()).error().code == Code::io);
  std::filesystem::create_symlink("/etc/hostname", dir.path() + "/link");
  CHECK_FALSE(Content::open(dir.path() + "/link"));
}

TEST_CASE("errno becomes a code and a sentence") {
  CHECK(errno_error("write", "/a", ENOSPC).code == Code::storage_full);
  CHECK(errno_error("write", "/a", EDQUOT).code == Code::storage_full);
  CHECK(errno_error("open", "/a", ENOENT).code == Code::not_found);
  CHECK(errno_error("open", "/a", EIO).message == "open /a: Input/output error");
}
