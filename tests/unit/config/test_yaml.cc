#include <catch2/catch.hpp>

#include <string>

#include "config/yaml.h"

namespace berth::config {
namespace {

Result<Node> parse_text(const std::string& text) { return parse_yaml(text, "f.yml", Origin::file); }

std::string error_of(const std::string& text) {
  auto node = parse_text(text);
  return node ? "parsed" : node.error().message;
}

TEST_CASE("a document becomes nodes that know their lines") {
  auto root = parse_text("a: 1\nb:\n  c: [x, y]\n  d: ~\ne: \"quoted: text\"\n");
  REQUIRE(root);
  REQUIRE(root->is_map());
  CHECK(root->at("a")->text == "1");
  CHECK(root->at("a")->origin == "f.yml:1");
  CHECK(root->at("b.c")->is_list());
  CHECK(root->at("b.c")->items[1].text == "y");
  CHECK(root->at("b.c")->origin == "f.yml:3");
  CHECK(root->at("b.d")->is_null());
  CHECK(root->at("e")->text == "quoted: text");
  CHECK(root->members[1].origin == "f.yml:2");
  CHECK(root->at("b.x") == nullptr);
  CHECK(root->at("a.x") == nullptr);
}

TEST_CASE("an empty document is null") {
  for (const char* text : {"", "\n", "# nothing\n", "---\n"}) {
    auto root = parse_text(text);
    REQUIRE(root);
    CHECK(root->is_null());
    CHECK(!root->origin.empty());
  }
}

TEST_CASE("variables name no line") {
  auto node = parse_yaml("[a, b]", "REGISTRY_X", Origin::variable);
  REQUIRE(node);
  CHECK(node->items[0].origin == "REGISTRY_X");
  CHECK(parse_yaml("[a", "REGISTRY_X", Origin::variable).error().message.starts_with("REGISTRY_X: "));
}

TEST_CASE("anchors, aliases and merge keys") {
  auto root = parse_text("base: &base {a: 1, b: 2}\ncopy: *base\nown:\n  <<: *base\n  b: 3\n"
                         "both:\n  <<: [{c: 1}, {c: 2, d: 4}]\n");
  REQUIRE(root);
  CHECK(root->at("copy.a")->text == "1");
  CHECK(root->at("own.a")->text == "1");
  CHECK(root->at("own.b")->text == "3");
  CHECK(root->at("both.c")->text == "1");
  CHECK(root->at("both.d")->text == "4");
}

TEST_CASE("what is no YAML is refused with its line") {
  CHECK(error_of("a: 1\nb: [1, 2\n").starts_with("f.yml:"));
  CHECK(error_of("a: 1\n\tb: 2\n").starts_with("f.yml:2: "));
  CHECK(error_of("a: 1\na: 2\n") == "f.yml:2: \"a\" is given twice");
  CHECK(error_of("a: 1\n? [x]\n: 2\n").starts_with("f.yml:2: a key must be a word"));
  CHECK(error_of("a: *nowhere\n").starts_with("f.yml:1: "));
  CHECK(error_of("a: &x [*x]\n").starts_with("f.yml:1: "));
  CHECK(error_of("a: {<<: 5}\n").starts_with("f.yml:1: <<"));
  CHECK(error_of("a: 1\n---\nb: 2\n").contains("more than one document"));
}

TEST_CASE("limits of size, depth and number") {
  CHECK(error_of(std::string(max_text_bytes + 1, '#')).contains("longer than 1048576 bytes"));
  CHECK(error_of("# " + std::string(max_text_bytes - 2, 'x')) == "parsed");
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  CHECK(error_of(nested(max_depth)) == "parsed");
  CHECK(error_of(nested(max_depth + 1)).contains("32 levels"));
  CHECK(error_of(nested(100'000)).contains("levels"));

  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'h'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += std::string(i ? ", *" : "*") + char(c - 1);
    bomb += "]\n";
  }
  CHECK(error_of(bomb).contains("more than 100000 values"));
}

TEST_CASE("bytes that are no text do no harm") {
  for (const std::string& text : {std::string("a: \0b\n", 6), std::string("\xff\xfe\x00"), std::string("a: \x80\xff\n"),
                                  std::string("\xef\xbb\xbf"
                                              "a: 1\n"),
                                  std::string("%YAML 9.9\n"), std::string("!!x y: z")})
    (void)parse_text(text);
}

} // namespace
} // namespace berth::config
