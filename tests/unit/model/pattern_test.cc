// Globs, and the patterns of repositories' names.
#include <catch2/catch.hpp>

#include <sstream>

#include "model/glob.h"
#include "model/repository_pattern.h"

namespace berth::model {
namespace {

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> words;
  std::istringstream stream{std::string(text)};
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

} // namespace

TEST_CASE("glob: a star stops at a slash, two do not") {
  struct Row {
    std::string_view glob, text;
    bool fits;
  };
  const Row rows[] = {
      {"", "", true},
      {"", "a", false},
      {"a", "", false},
      {"*", "", true},
      {"*", "abc", true},
      {"*", "a/b", false},
      {"**", "a/b/c", true},
      {"a*c", "ac", true},
      {"a*c", "abcbc", true},
      {"a*c", "abcb", false},
      {"*a*", "xay", true},
      {"*a*b*", "ba", false},
      {"refs/heads/*", "refs/heads/main", true},
      {"refs/heads/*", "refs/heads/a/b", false},
      {"refs/heads/**", "refs/heads/a/b", true},
      {"refs/**/x", "refs/x", false},
      {"refs/**x", "refs/x", true},
      {"***", "a/b", true},
      {"a?", "ab", false},
      {"[a]", "a", false},
      {"a.c", "abc", false},
      {"A", "a", false},
      {"repo:o/r:ref:refs/heads/*", "repo:o/r:ref:refs/heads/x", true},
  };
  for (const auto& [glob, text, fits] : rows) {
    INFO(glob << " " << text);
    CHECK(matches_glob(glob, text) == fits);
  }
  const std::string many(200, '*'), longer(4000, 'a');
  CHECK_FALSE(matches_glob(many + "b", longer));
}

TEST_CASE("repository patterns: what fits") {
  struct Row {
    std::string_view pattern, name;
    bool fits;
    std::string_view user = "";
  };
  const Row rows[] = {
      {"team/app", "team/app", true},
      {"team/app", "team/app2", false},
      {"team/app", "team", false},
      {"team/app", "team/app/x", false},
      {"*", "app", true},
      {"*", "team/app", false},
      {"**", "app", true},
      {"**", "a/b/c", true},
      {"team/*", "team/app", true},
      {"team/*", "team", false},
      {"team/*", "team/a/b", false},
      {"team/**", "team", false},
      {"team/**", "team/app", true},
      {"team/**", "team/a/b", true},
      {"team/**", "teams/app", false},
      {"**/app", "app", true},
      {"**/app", "a/b/app", true},
      {"**/app", "a/b/apps", false},
      {"a/**/b", "a/b", true},
      {"a/**/b", "a/x/y/b", true},
      {"a/**/b", "a/x/b/c", false},
      {"a/**/**/b", "a/b", true},
      {"**/**", "a", true},
      {"**/x/**", "x/y", true},
      {"**/x/**", "a/x/b/c", true},
      {"**/x/**", "a/x", false},
      {"team-*/app", "team-a/app", true},
      {"team-*/app", "team/app", false},
      {"*-dev", "app-dev", true},
      {"*-dev", "app", false},
      {"a*b*c", "acb", false},
      {"a*b*c", "abxxbc", true},
      {"home/{user}/**", "home/alice/x", true, "alice"},
      {"home/{user}/**", "home/alice", false, "alice"},
      {"home/{user}/**", "home/bob/x", false, "alice"},
      {"home/{user}/**", "home/alice/x", false, ""},
      {"home/{user}/**", "home/alice/x/y", true, "alice"},
      {"{user}-*", "alice-x", true, "alice"},
      {"{user}{user}", "abab", true, "ab"},
      {"{user}/{user}", "ab/ab", true, "ab"},
      {"{user}/{user}", "ab/ac", false, "ab"},
  };
  for (const auto& [text, name, fits, user] : rows) {
    INFO(text << " " << name << " " << user);
    const auto pattern = RepositoryPattern::parse(text);
    REQUIRE(pattern);
    CHECK(pattern->fits(components_of(name), user) == fits);
  }
}

TEST_CASE("repository patterns: those that no name can fit are none") {
  const std::string longest(255, 'a'), too_long(256, 'a');
  std::vector<std::string> good = words_in("a * ** a/b a* *a a_b a__b a.b a--b a-* *-* *_* {user} x-{user} {user}* "
                                           "*{user} a_*_b a.*.b");
  for (const auto& text : std::vector<std::string>{longest, longest.substr(2) + "/*", "**/" + longest})
    good.push_back(text);
  for (const std::string& text : good) {
    INFO(text);
    CHECK(RepositoryPattern::parse(text).has_value());
  }
  std::vector<std::string> bad =
      words_in("/ /a a/ a//b **/ /** A Team/** a:b a@b a___b a..b a._b -a a- _a _* -*a *_ a_ .a a. . .. a/../b a/.* *. "
               "a** **a a**b/c *** {user user} {} {USER} {users} {user}{ a? [a] a|b ^a$ a\\* %61 ä _{user} {user}-");
  const std::string half(128, 'a'), stars(513, '*');
  for (const auto& text : std::vector<std::string>{"", "a b", "a\n", too_long, longest + "/*", longest + "/**",
                                                   longest.substr(1) + "/*", half.substr(1) + "/" + half, stars})
    bad.push_back(text);
  for (const std::string& text : bad) {
    INFO(text);
    CHECK_FALSE(RepositoryPattern::parse(text).has_value());
  }
}

} // namespace berth::model
