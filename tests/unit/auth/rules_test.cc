// What rules allow to whom, and which rules are none. Spec: docs/access.md.
#include <catch2/catch.hpp>

#include "auth/rules.h"

namespace berth::auth {
namespace {

using Kind = Caller::Kind;

Caller user(std::string name, std::vector<std::string> groups = {}) {
  Caller caller{.user = std::move(name)};
  caller.groups = std::move(groups);
  return caller;
}
Caller of_kind(Kind kind, std::string name) {
  Caller caller{.user = std::move(name)};
  caller.kind = kind;
  return caller;
}
Caller workload(std::string issuer, std::map<std::string, std::string> claims) {
  Caller caller{.user = issuer + ":some subject"};
  caller.kind = Kind::workload;
  caller.issuer = std::move(issuer);
  caller.claims = std::move(claims);
  return caller;
}

WrittenRule rule(std::string who, std::vector<std::string> repositories, std::vector<std::string> may) {
  return {"c.yml:7: rules[0]", std::move(who), std::move(repositories), std::move(may)};
}

WrittenRules written(std::vector<WrittenRule> rules) {
  WrittenRules all;
  all.groups = {{"developers", {"alice", "user:bob"}}, {"release", {"carol", "robot:ci", "cert:build.example"}}};
  all.rules = std::move(rules);
  all.issuers = {"github", "kube"};
  return all;
}

Rules made(std::vector<WrittenRule> rules) {
  auto made = Rules::make(written(std::move(rules)));
  INFO((made ? "" : made.error().message));
  REQUIRE(made.has_value());
  return *std::move(made);
}

std::string complaint(const WrittenRules& rules) {
  const auto made = Rules::make(rules);
  if (made) return "";
  CHECK(made.error().code == Code::invalid);
  return made.error().message;
}

// "pull add push delete all", as far as they are there.
std::string words(const Rights& rights) {
  std::string text;
  for (const auto& [given, word] :
       {std::pair(rights.pull, "pull"), std::pair(rights.add, "add"), std::pair(rights.push, "push"),
        std::pair(rights.remove, "delete"), std::pair(rights.all, "all")})
    if (given) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

} // namespace

TEST_CASE("rules: what a right brings with it") {
  const std::pair<std::vector<std::string>, std::string> rows[] = {
      {{"pull"}, "pull"},
      {{"add"}, "pull add"},
      {{"push"}, "pull add push"},
      {{"delete"}, "delete"},
      {{"add", "delete"}, "pull add delete"},
      {{"push", "delete"}, "pull add push delete"},
      {{"all"}, "pull add push delete all"},
      {{"pull", "pull"}, "pull"},
  };
  for (const auto& [may, expected] : rows)
    CHECK(words(made({rule("user:alice", {"app"}, may)}).of(user("alice"), "app")) == expected);
}

TEST_CASE("rules: who is meant") {
  const Caller nobody, alice = user("alice"), dave = user("dave"), ldap = user("eve", {"staff"});
  const Caller ci = of_kind(Kind::robot, "robot:ci"), other_robot = of_kind(Kind::robot, "robot:other");
  const Caller cert = of_kind(Kind::certificate, "cert:build.example");
  const Caller main = workload("github", {{"repository", "acme/app"}, {"ref", "refs/heads/main"}});
  const Caller branch = workload("github", {{"repository", "acme/app"}, {"ref", "refs/heads/x/y"}});
  const Caller pod = workload("kube", {{"repository", "acme/app"}, {"ref", "refs/heads/main"}});
  struct Row {
    std::string who;
    std::vector<const Caller*> meant;
  };
  const std::vector<const Caller*> all{&nobody, &alice, &dave, &ldap, &ci, &other_robot, &cert, &main, &branch, &pod};
  const Row rows[] = {
      {"anyone", all},
      {"signed-in", {all.begin() + 1, all.end()}},
      {"developers", {&alice}},
      {"release", {&ci, &cert}},
      {"user:alice", {&alice}},
      {"user:robot", {}},
      {"robot:ci", {&ci}},
      {"cert:build.example", {&cert}},
      {"cert:*.example", {&cert}},
      {"cert:*", {&cert}},
      {"token:github", {&main, &branch}},
      {"token:github repository=acme/app ref=refs/heads/main", {&main}},
      {"token:github  ref=refs/heads/* ", {&main}},
      {"token:github ref=refs/heads/**", {&main, &branch}},
      {"token:github sub=*", {}},
      {"token:github repository=acme/app repository=acme/*", {&main, &branch}},
      {"token:kube", {&pod}},
  };
  for (const auto& [who, meant] : rows) {
    const Rules rules = made({rule(who, {"**"}, {"pull"})});
    for (const Caller* caller : all) {
      INFO(who << " " << caller->user);
      CHECK(rules.of(*caller, "any/app").pull == (std::ranges::find(meant, caller) != meant.end()));
    }
  }
}

TEST_CASE("rules: names of one kind are never taken for those of another") {
  const Rules rules = made({rule("user:ci", {"u"}, {"pull"}), rule("robot:ci", {"r"}, {"pull"}),
                            rule("cert:ci", {"c"}, {"pull"}), rule("release", {"g"}, {"pull"})});
  const std::pair<Caller, std::string> rows[] = {{user("ci"), "u"},
                                                 {of_kind(Kind::robot, "robot:ci"), "rg"},
                                                 {of_kind(Kind::certificate, "cert:ci"), "c"},
                                                 {user("robot:ci"), ""},
                                                 {user("cert:ci"), ""},
                                                 {of_kind(Kind::workload, "robot:ci"), ""},
                                                 {of_kind(Kind::robot, "ci"), ""},
                                                 {of_kind(Kind::certificate, "robot:ci"), ""},
                                                 {user("carol"), "g"},
                                                 {of_kind(Kind::robot, "carol"), ""}};
  for (const auto& [caller, expected] : rows) {
    std::string may;
    for (const char* name : {"u", "r", "c", "g"})
      if (rules.of(caller, name).pull) may += name;
    INFO(caller.user);
    CHECK(may == expected);
  }
}

TEST_CASE("rules: {user} is the caller's name, if that is a user with one valid component for a name") {
  const Rules rules = made({rule("anyone", {"home/{user}/**"}, {"push"})});
  CHECK(rules.of(user("alice"), "home/alice/x").push);
  CHECK(rules.of(user("a.b_c"), "home/a.b_c/x").push);
  CHECK_FALSE(rules.of(user("alice"), "home/bob/x").pull);
  for (const std::string name : {"", "Alice", "a/b", "..", "*", "**", "a b", "-a", "{user}", "a@b"}) {
    INFO(name);
    for (const char* repository : {"home/alice/x", "home/a/b/x", "home/x"})
      CHECK_FALSE(rules.of(user(name), repository).pull);
  }
  for (const Kind kind : {Kind::robot, Kind::workload, Kind::certificate})
    CHECK_FALSE(rules.of(of_kind(kind, "alice"), "home/alice/x").pull);
}

TEST_CASE("rules: they add up, whatever their order") {
  std::vector<WrittenRule> list{rule("anyone", {"public/**"}, {"pull"}), rule("signed-in", {"**"}, {"pull"}),
                                rule("developers", {"team/**", "tools/*"}, {"push"}),
                                rule("user:alice", {"team/app"}, {"delete"})};
  for (int turn = 0; turn < 2; ++turn, std::ranges::reverse(list)) {
    const Rules rules = made(list);
    CHECK(words(rules.of({}, "public/x")) == "pull");
    CHECK(words(rules.of({}, "team/app")).empty());
    CHECK(words(rules.of(user("dave"), "team/app")) == "pull");
    CHECK(words(rules.of(user("bob"), "team/app")) == "pull add push");
    CHECK(words(rules.of(user("alice"), "team/app")) == "pull add push delete");
    CHECK(words(rules.of(user("alice"), "tools/a/b")) == "pull");
  }
  CHECK(made(list).reasons(user("alice"), "team/app") == std::vector<std::size_t>{1, 2, 3});
  CHECK(made(list).reasons(user("alice"), "tools/x") == std::vector<std::size_t>{1, 2});
  CHECK(made(list).reasons({}, "team/app").empty());
}

TEST_CASE("rules: without any, nobody may do anything") {
  const Rules rules = made({});
  CHECK(rules.of(user("alice"), "app") == Rights{});
  CHECK(rules.of({}, "app") == Rights{});
  CHECK_FALSE(rules.let_anyone_in());
  CHECK_FALSE(rules.let_anyone_pull_all());
}

TEST_CASE("rules: whether nobody in particular is let in") {
  struct Row {
    WrittenRule rule;
    bool in, pulls_all;
  };
  const Row rows[] = {
      {rule("anyone", {"**"}, {"pull"}), true, true},
      {rule("anyone", {"**/*"}, {"push"}), true, true},
      {rule("anyone", {"x", "**"}, {"all"}), true, true},
      {rule("anyone", {"**"}, {"delete"}), true, false},
      {rule("anyone", {"*"}, {"pull"}), true, false},
      {rule("anyone", {"**/*/*"}, {"pull"}), true, false},
      {rule("anyone", {"home/{user}"}, {"pull"}), false, false},
      {rule("signed-in", {"**"}, {"pull"}), false, false},
  };
  for (const auto& [written_rule, in, pulls_all] : rows) {
    const Rules rules = made({written_rule});
    INFO(written_rule.who << " " << written_rule.repositories[0]);
    CHECK(rules.let_anyone_in() == in);
    CHECK(rules.let_anyone_pull_all() == pulls_all);
  }
}

TEST_CASE("rules: what is none is refused, with its place and what is allowed") {
  struct Row {
    WrittenRule rule;
    std::string begins, has;
  };
  const std::string place = "c.yml:7: rules[0]";
  const Row rows[] = {
      {rule("", {"**"}, {"pull"}), place + ".who: (nobody): allowed is anyone, signed-in", "developers or release"},
      {rule("everyone", {"**"}, {"pull"}), place + ".who: \"everyone\": allowed is anyone",
       "the groups are developers"},
      {rule("Anyone", {"**"}, {"pull"}), place + ".who: \"Anyone\"", "user:Anyone"},
      {rule("alice", {"**"}, {"pull"}), place + ".who: \"alice\"", "a user of this name is user:alice"},
      {rule(" anyone", {"**"}, {"pull"}), place + ".who: \" anyone\"", ""},
      {rule("group:developers", {"**"}, {"pull"}), place + ".who: \"group:developers\"", "signed-in, a group"},
      {rule("user:", {"**"}, {"pull"}), place + ".who: \"user:\"", "user:NAME"},
      {rule("user:a:b", {"**"}, {"pull"}), place + ".who: \"user:a:b\"", "user:NAME"},
      {rule("user:a\tb", {"**"}, {"pull"}), place + ".who: ", "user:NAME"},
      {rule("user:" + std::string(256, 'a'), {"**"}, {"pull"}), place + ".who: ", "user:NAME"},
      {rule("robot:", {"**"}, {"pull"}), place + ".who: \"robot:\"", "robot:NAME"},
      {rule("cert:", {"**"}, {"pull"}), place + ".who: \"cert:\"", "cert:GLOB"},
      {rule("token:", {"**"}, {"pull"}), place + ".who: \"token:\"", "the issuers are github or kube"},
      {rule("token:gitlab", {"**"}, {"pull"}), place + ".who: \"token:gitlab\"", "the issuers are github or kube"},
      {rule("token:github ref", {"**"}, {"pull"}), place + ".who: ", "\"ref\" is no CLAIM=GLOB"},
      {rule("token:github ref=", {"**"}, {"pull"}), place + ".who: ", "\"ref=\" is no CLAIM=GLOB"},
      {rule("token:github =x", {"**"}, {"pull"}), place + ".who: ", "\"=x\" is no CLAIM=GLOB"},
      {rule("anyone", {}, {"pull"}), place + ".repositories: (nothing): allowed is the name", "{user}"},
      {rule("anyone", {"ok", "Bad"}, {"pull"}), place + ".repositories: \"Bad\": allowed is", "no repository can have"},
      {rule("anyone", {"a**"}, {"pull"}), place + ".repositories: \"a**\"", "whole components"},
      {rule("robot:ci", {"{user}"}, {"pull"}), place + ".repositories: \"{user}\"", "without {user}"},
      {rule("cert:*", {"{user}"}, {"pull"}), place + ".repositories: ", "without {user}"},
      {rule("token:github", {"{user}"}, {"pull"}), place + ".repositories: ", "without {user}"},
      {rule("user:Alice", {"{user}"}, {"pull"}), place + ".repositories: ", "without {user}"},
      {rule("anyone", {"**"}, {}), place + ".may: (nothing): allowed is pull, add, push, delete or all", ""},
      {rule("anyone", {"**"}, {"pull", "write"}), place + ".may: \"write\": allowed is pull, add", ""},
      {rule("anyone", {"**"}, {"PULL"}), place + ".may: \"PULL\"", ""},
      {rule("anyone", {"**"}, {"*"}), place + ".may: \"*\"", ""},
      {rule("anyone", {"**"}, {""}), place + ".may: \"\"", ""},
  };
  for (const auto& [bad, begins, has] : rows) {
    const std::string message = complaint(written({rule("anyone", {"x"}, {"pull"}), bad}));
    INFO(message);
    CHECK(message.starts_with(begins));
    CHECK(message.contains(has));
  }
}

TEST_CASE("rules: groups that are none are refused") {
  const std::tuple<std::string, std::vector<std::string>, std::string> rows[] = {
      {"empty", {}, "groups.empty: (nobody): allowed is a list of NAME"},
      {"x", {""}, "groups.x: \"\": allowed is a list of NAME"},
      {"x", {"alice", "group:y"}, "groups.x: \"group:y\": allowed is a list of NAME"},
      {"x", {"robot:"}, "groups.x: \"robot:\": allowed"},
      {"x", {"cert:"}, "groups.x: \"cert:\": allowed"},
      {"x", {"user:a:b"}, "groups.x: \"user:a:b\": allowed"},
      {"x", {"anyone"}, "groups.x: \"anyone\": allowed"},
      {"x", {"signed-in"}, "groups.x: \"signed-in\": allowed"},
      {"x", {"developers"}, "groups.x: \"developers\" is a group: allowed"},
      {"x", {"x"}, "groups.x: \"x\" is a group: allowed"},
      {"anyone", {"alice"}, "groups.anyone: \"anyone\": allowed is a name"},
      {"signed-in", {"alice"}, "groups.signed-in: \"signed-in\": allowed is a name"},
      {"user:x", {"alice"}, "groups.user:x: \"user:x\": allowed is a name"},
      {"", {"alice"}, "groups.: \"\": allowed is a name"},
  };
  for (const auto& [name, members, begins] : rows) {
    WrittenRules rules = written({});
    rules.groups[name] = members;
    INFO(name);
    CHECK(complaint(rules).starts_with(begins));
  }
  WrittenRules placed = written({});
  placed.groups["empty"] = {};
  placed.group_origins["empty"] = "c.yml:3: groups.empty";
  CHECK(complaint(placed).starts_with("c.yml:3: groups.empty: (nobody): allowed"));
}

TEST_CASE("rules: claims that an issuer's tokens do not bring") {
  WrittenRules rules = written({rule("token:github ref=x sub=y", {"**"}, {"pull"})});
  CHECK(complaint(rules).empty());
  rules.claims = {{"github", {"repository", "ref"}}};
  CHECK(complaint(rules).starts_with("c.yml:7: rules[0].who: \"token:github ref=x sub=y\": allowed is token:ISSUER"));
  CHECK(complaint(rules).contains("the claims of github are repository or ref"));
  rules.claims = {{"kube", {}}};
  CHECK(complaint(rules).empty());
}

TEST_CASE("rules: groups of a directory") {
  WrittenRules rules = written({rule("Domain Users", {"**"}, {"pull"}), rule("developers", {"**"}, {"push"})});
  CHECK(complaint(rules).contains("\"Domain Users\""));
  rules.groups_from_elsewhere = true;
  const auto made = Rules::make(rules);
  REQUIRE(made);
  CHECK(words(made->of(user("eve", {"Domain Users"}), "app")) == "pull");
  CHECK(words(made->of(user("eve", {"developers"}), "app")) == "pull add push");
  CHECK(words(made->of(user("alice"), "app")) == "pull add push");
  CHECK(words(made->of(user("", {"developers"}), "app")).empty()); // nobody in particular
  rules.rules.push_back(rule("token:nowhere", {"**"}, {"pull"}));
  CHECK(complaint(rules).contains("token:nowhere"));
}

} // namespace berth::auth
