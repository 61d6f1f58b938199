// berth.access: what it holds, and every way in which it, or auth beside it, can be half right: such a config is
// refused, and never means an open registry.
#include <catch2/catch.hpp>

#include <chrono>

#include "loading.h"

namespace berth::config {
namespace {

using namespace std::chrono_literals;

const std::string rule = "rules: [{who: anyone, repositories: '**', may: pull}]";

std::string access(const std::string& members) { return "berth: {access: {" + members + "}}\n"; }
std::string with_rule(const std::string& members) { return access(rule + ", " + members); }

TEST_CASE("berth.access: everything it can hold") {
  const auto config = config_of(R"(auth: {htpasswd: {realm: r, path: /users}}
berth:
  access:
    groups: {developers: [alice, bob], release: carol}
    rules:
      - {who: anyone, repositories: public/**, may: pull}
      - who: developers
        repositories: [team/**, "home/{user}/**"]
        may: [push, delete]
    tokenlifetime: 5m
    refreshlifetime: 720h
    robots: /etc/berth/robots
    saslauthd: {socket: /run/mux, service: registry}
    issuers:
      - {name: github, url: 'https://token.example/x', audience: reg, claims: [repository, ref]}
      - {name: kube, url: 'https://kube.example', audience: reg, jwks: /keys.json}
    ldap: {url: 'ldap://l:389', starttls: true, ca: /ca.pem, binddn: cn=b, bindpasswordfile: /pw, base: ou=p,
           filter: '(cn={user})', groupattribute: groups}
    certificates: {subject: uri, pattern: 'spiffe://a/*'}
http: {tls: {certificate: /c, key: /k, clientcas: [/cas]}}
)");
  const AccessRules& access = config.berth.access;
  CHECK(access.given);
  REQUIRE(access.groups.size() == 2);
  CHECK(access.groups[0].name == "developers");
  CHECK(access.groups[0].members == std::vector<std::string>{"alice", "bob"});
  CHECK(access.groups[1].members == std::vector<std::string>{"carol"});
  CHECK(access.groups[1].origin == "config.yml:7");
  REQUIRE(access.rules.size() == 2);
  CHECK(access.rules[0].origin == "config.yml:9");
  CHECK(access.rules[0].repositories == std::vector<std::string>{"public/**"});
  CHECK(access.rules[1].origin == "config.yml:10");
  CHECK(access.rules[1].who == "developers");
  CHECK(access.rules[1].repositories == std::vector<std::string>{"team/**", "home/{user}/**"});
  CHECK(access.rules[1].may == std::vector<std::string>{"push", "delete"});
  CHECK((access.token_lifetime == 5min && access.refresh_lifetime == 720h));
  CHECK((access.robots == "/etc/berth/robots" && access.saslauthd == "/run/mux"));
  CHECK(access.saslauthd_service == "registry");
  REQUIRE(access.issuers.size() == 2);
  CHECK(access.issuers[0].origin == "config.yml:18");
  CHECK(access.issuers[0].claims == std::vector<std::string>{"repository", "ref"});
  CHECK((access.issuers[1].jwks == "/keys.json" && access.issuers[1].audience == "reg"));
  CHECK((access.ldap.start_tls && access.ldap.base == "ou=p" && access.ldap.group_attribute == "groups"));
  CHECK((access.certificates.subject == "uri" && access.certificates.pattern == "spiffe://a/*"));
}

TEST_CASE("berth.access: defaults") {
  const AccessRules without = config_of("").berth.access;
  CHECK_FALSE(without.given);
  const AccessRules access = config_of("berth: {access: {" + rule + "}}\n").berth.access;
  CHECK(access.given);
  CHECK((access.token_lifetime == 900s && access.refresh_lifetime == 0s));
  CHECK(access.robots == "/srv/registry/berth/robots");
  CHECK((access.saslauthd.empty() && access.saslauthd_service == "berth"));
  CHECK((access.ldap.filter == "(uid={user})" && access.ldap.group_attribute == "memberOf"));
  for (const char* auth : {"auth: none\n", "auth: {none: }\n", "auth:\n", "auth: {htpasswd: {realm: r, path: /p}}\n"})
    CHECK(config_of(auth + with_rule("tokenlifetime: 60s")).berth.access.given);
}

TEST_CASE("berth.access: half a section is refused") {
  const std::pair<std::string, std::string> rows[] = {
      {"berth: {access: }\n", "config.yml:4: berth.access: (nothing): allowed is a map with rules: a list of rules"},
      {"berth:\n  access:\n", "config.yml:5: berth.access: (nothing): allowed is a map with rules"},
      {"berth: {access: {}}\n", "config.yml:4: berth.access: (a map): allowed is a map with rules"},
      {"berth: {access: yes}\n", "config.yml:4: berth.access: \"yes\": allowed is a map of groups, rules"},
      {"berth: {access: ''}\n", "config.yml:4: berth.access: \"\": allowed is a map of groups, rules"},
      {"berth: {access: [a]}\n", "config.yml:4: berth.access: (a list): allowed is a map of groups"},
      {access("rules: "), "config.yml:4: berth.access.rules: (nothing): allowed is a list of rules, one at least"},
      {access("rules: []"), "config.yml:4: berth.access.rules: (a list): allowed is a list of rules, one at least"},
      {access("rules: {}"), "config.yml:4: berth.access.rules: (a map): allowed is a list of maps"},
      {access("rules: all"), "config.yml:4: berth.access.rules: \"all\": allowed is a list of maps"},
      {access("rules: ''"), "config.yml:4: berth.access.rules: \"\": allowed is a list of maps"},
      {access("rules: [all]"), "config.yml:4: berth.access.rules: \"all\": allowed is a list of maps"},
      {access("rules: [ , ]"), "config.yml:4: "},
      {access("rules: [{}]"), "config.yml:4: berth.access.rules[0]: (a map): allowed is a map with who"},
      {access("groups: {a: [b]}"), "config.yml:4: berth.access: (a map): allowed is a map with rules"},
      {access("rules: [{repositories: a, may: pull}]"),
       "config.yml:4: berth.access.rules[0]: (a map): allowed is a map with who"},
      {access("rules: [{who: , repositories: a, may: pull}]"),
       "config.yml:4: berth.access.rules[0]: (a map): allowed is a map with who"},
      {access("rules: [{who: '', repositories: a, may: pull}]"),
       "config.yml:4: berth.access.rules[0]: (a map): allowed is a map with who"},
      {access("rules: [{who: [a, b], repositories: a, may: pull}]"),
       "config.yml:4: berth.access.rules[0].who: (a list): allowed is text"},
      {access("rules: [{who: {a: b}, repositories: a, may: pull}]"),
       "config.yml:4: berth.access.rules[0].who: (a map): allowed is text"},
      {access("rules: [{who: a, may: pull}]"),
       "config.yml:4: berth.access.rules[0]: (a map): allowed is a map with repositories"},
      {access("rules: [{who: a, repositories: , may: pull}]"),
       "config.yml:4: berth.access.rules[0]: (a map): allowed is a map with repositories"},
      {access("rules: [{who: a, repositories: [], may: pull}]"),
       "config.yml:4: berth.access.rules[0]: (a map): allowed is a map with repositories"},
      {access("rules: [{who: a, repositories: {a: b}, may: pull}]"),
       "config.yml:4: berth.access.rules[0].repositories: (a map): allowed is a list of texts"},
      {access("rules: [{who: a, repositories: [[a]], may: pull}]"),
       "config.yml:4: berth.access.rules[0].repositories: (a list): allowed is text"},
      {access("rules: [{who: a, repositories: a}]"),
       "config.yml:4: berth.access.rules[0]: (a map): allowed is a map with may"},
      {access("rules: [{who: a, repositories: a, may: []}]"),
       "config.yml:4: berth.access.rules[0]: (a map): allowed is a map with may"},
      {access("rules: [{who: a, repositories: a, may: {pull: }}]"),
       "config.yml:4: berth.access.rules[0].may: (a map): allowed is a list of texts"},
      {access(rule + ", groups: [a]"), "config.yml:4: berth.access.groups: (a list): allowed is a map of groups"},
      {access(rule + ", groups: a"), "config.yml:4: berth.access.groups: \"a\": allowed is a map of groups"},
      {access(rule + ", groups: {a: }"), "config.yml:4: berth.access.groups: (a map): allowed is a map of groups, each "
                                         "with a list of its members, one at least; see a"},
      {access(rule + ", groups: {a: []}"), "config.yml:4: berth.access.groups: (a map): allowed is a map of groups"},
      {access(rule + ", groups: {a: {b: c}}"),
       "config.yml:4: berth.access.groups: (a map): allowed is a map of groups"},
  };
  for (const auto& [text, message] : rows) {
    CAPTURE(text);
    CHECK_THAT(refusal_of(text), Catch::StartsWith(message));
  }
}

TEST_CASE("berth.access: values that break their rules") {
  const std::pair<std::string, std::string> rows[] = {
      {"tokenlifetime: 59s", "tokenlifetime: \"59s\": allowed is a time from 60s to 24h"},
      {"tokenlifetime: 25h", "tokenlifetime: \"25h\": allowed is a time from 60s to 24h"},
      {"tokenlifetime: 900", "tokenlifetime: \"900\": allowed is a time from 60s to 24h"},
      {"tokenlifetime: -5m", "tokenlifetime: \"-5m\": allowed is"},
      {"refreshlifetime: 10s", "refreshlifetime: \"10s\": allowed is 0, for no refresh tokens, or"},
      {"refreshlifetime: -1h", "refreshlifetime: \"-1h\": allowed is 0"},
      {"refreshlifetime: 5m", "refreshlifetime: \"5m\": allowed is 0, for no refresh tokens, or a time that is not"},
      {"robots: [a]", "robots: (a list): allowed is a path"},
      {"saslauthd: {service: x}", "saslauthd: (a map): allowed is a map with socket"},
      {"saslauthd: /run/mux", "saslauthd: \"/run/mux\": allowed is a map of socket, service"},
      {"issuers: [{url: 'https://x', audience: a}]", "issuers[0]: (a map): allowed is a map with name"},
      {"issuers: [{name: x, audience: a}]", "issuers[0]: (a map): allowed is a map with url"},
      {"issuers: [{name: x, url: 'https://x'}]", "issuers[0]: (a map): allowed is a map with audience"},
      {"issuers: [{name: x, url: 'https://x', audience: ''}]", "issuers[0]: (a map): allowed is a map with audience"},
      {"issuers: [{name: 'a b', url: 'https://x', audience: a}]", "issuers[0].name: \"a b\": allowed is a name"},
      {"issuers: [{name: x, url: 'http://x', audience: a}]", "issuers[0].url: \"http://x\": allowed is an https URL"},
      {"issuers: [{name: x, url: 'http://localhost.evil', audience: a}]", "issuers[0].url: "},
      {"issuers: [{name: x, url: 'https://x', audience: a, jwks: keys}]",
       "issuers[0].jwks: \"keys\": allowed is an https"},
      {"issuers: [{name: x, url: 'https://x', audience: a}, {name: x, url: 'https://y', audience: a}]",
       "issuers[1]: (a map): allowed is a map with a name and a url that no other issuer has"},
      {"issuers: [{name: x, url: 'https://x', audience: a}, {name: y, url: 'https://x', audience: a}]", "issuers[1]: "},
      {"ldap: {base: b}", "ldap: (a map): allowed is a map with url"},
      {"ldap: {url: 'ldaps://l'}", "ldap: (a map): allowed is a map with base"},
      {"ldap: {url: 'http://l', base: b}", "ldap.url: \"http://l\": allowed is an ldap or ldaps URL"},
      {"ldap: {url: 'ldaps://l', base: b, starttls: true}", "ldap: (a map): allowed is starttls or"},
      {"ldap: {url: 'ldaps://l', base: b, binddn: cn=x}", "ldap: (a map): allowed is binddn and bindpasswordfile"},
      {"ldap: {url: 'ldaps://l', base: b, bindpasswordfile: /x}", "ldap: (a map): allowed is binddn and"},
      {"ldap: {url: 'ldaps://l', base: b, filter: '(uid=x)'}",
       "ldap.filter: \"(uid=x)\": allowed is a filter with {user}"},
      {"ldap: {url: 'ldaps://l', base: b, filter: 'uid={user}'}", "ldap.filter: \"uid={user}\": allowed is"},
      {"certificates: {pattern: x}", "certificates: (a map): allowed is a map with subject"},
      {"certificates: {subject: cn}", "certificates: (a map): allowed is nothing without http.tls.clientcas"},
      {"certificates: {subject: email}", "certificates.subject: \"email\": allowed is uri, dns or cn"},
  };
  for (const auto& [text, message] : rows) {
    CAPTURE(text);
    CHECK_THAT(refusal_of(with_rule(text)), Catch::StartsWith("config.yml:4: berth.access." + message));
  }
}

TEST_CASE("berth.access: beside an auth whose tokens decide it is refused") {
  for (const std::string auth : {"auth: {silly: {realm: r, service: s}}\n",
                                 "auth: {token: {realm: 'https://r/', service: s, issuer: i, jwks: /j}}\n"})
    CHECK_THAT(
        refusal_of(auth + with_rule("tokenlifetime: 60s")),
        Catch::StartsWith("config.yml:5: berth.access: (a map): allowed is nothing beside auth.token and auth.silly"));
  CHECK_THAT(refusal_of("auth: {htpasswd: {realm: r}}\n" + with_rule("tokenlifetime: 60s")),
             Catch::StartsWith("config.yml:4: auth.htpasswd"));
}

TEST_CASE("berth.access: under a name that is almost right it is refused") {
  const std::pair<std::string, std::string> rows[] = {
      {"berth: {acces: {" + rule + "}}", "config.yml:4: berth.acces: no such key: did you mean berth.access?"},
      {"berth: {Access: {" + rule + "}}", "config.yml:4: berth.Access: no such key: did you mean berth.access?"},
      {"berth: {accesscontrol: {" + rule + "}}", "config.yml:4: berth.accesscontrol: no such key"},
      {"berth: {" + rule + "}", "config.yml:4: berth.rules: no such key: did you mean berth.access?"},
      {"berth: {groups: {a: [b]}}", "config.yml:4: berth.groups: no such key: did you mean berth.access?"},
      {"access: {" + rule + "}", "config.yml:4: access: no such key: did you mean berth.access?"},
      {rule, "config.yml:4: rules: no such key: did you mean berth.access?"},
      {"berht: {access: {" + rule + "}}", "config.yml:4: berht: no such key: did you mean berth.access?"},
      {"Berth: {access: {" + rule + "}}", "config.yml:4: Berth: no such key: did you mean berth.access?"},
      {"berth.access: {" + rule + "}", "config.yml:4: berth.access: no such key: did you mean berth.access?"},
      {"auth.htpasswd: {realm: r, path: /p}", "config.yml:4: auth.htpasswd: no such key: did you mean auth?"},
      {"berth: {access.rules: []}", "config.yml:4: berth.access.rules: no such key: did you mean berth.access?"},
      {access("rulez: []"), "config.yml:4: berth.access.rulez: no such key: allowed are groups, rules, tokenlifetime"},
      {with_rule("default: deny"), "config.yml:4: berth.access.default: no such key: allowed are groups"},
      {with_rule("ldap: {uri: 'ldaps://l', base: b}"),
       "config.yml:4: berth.access.ldap.uri: no such key: allowed are url"},
      {access("rules: [{who: a, repositories: a, may: pull, except: b}]"),
       "config.yml:4: berth.access.rules[].except: no such key: allowed are who, repositories, may"},
      {access("rules: [{who: a, repository: a, may: pull}]"),
       "config.yml:4: berth.access.rules[].repository: no such key: allowed are who, repositories, may; did you mean "
       "repositories?"},
  };
  for (const auto& [text, message] : rows) {
    CAPTURE(text);
    CHECK_THAT(refusal_of(text + "\n"), Catch::StartsWith(message));
  }
  // Names that have nothing to do with it are no more than a warning.
  for (const char* harmless :
       {"berth: {theme: dark}", "berth: {limits: {conections: 3}}", "x-access: 1", "extra: {a: b}"})
    CHECK(refusal_of(std::string(harmless) + "\n") == "loaded");
}

TEST_CASE("berth.access: variables change it, and cannot take it away") {
  const std::string file = with_rule("tokenlifetime: 60s");
  CHECK(config_of(file, {{"REGISTRY_BERTH_ACCESS_TOKENLIFETIME", "2m"}}).berth.access.token_lifetime == 2min);
  CHECK(config_of(file, {{"REGISTRY_BERTH_ACCESS_RULES_0_WHO", "signed-in"}}).berth.access.rules[0].who == "signed-in");
  CHECK(config_of(file, {{"REGISTRY_BERTH_ACCESS_GROUPS", "{a: [b]}"}}).berth.access.groups.size() == 1);
  const auto from_variable =
      config_of("", {{"REGISTRY_BERTH_ACCESS_RULES", "[{who: anyone, repositories: '**', may: pull}]"}});
  CHECK(from_variable.berth.access.rules.at(0).origin == "REGISTRY_BERTH_ACCESS_RULES");
  const std::pair<Environment, std::string> rows[] = {
      {{{"REGISTRY_BERTH_ACCESS", ""}}, "REGISTRY_BERTH_ACCESS: berth.access: (nothing): allowed is a map with rules"},
      {{{"REGISTRY_BERTH_ACCESS", "none"}}, "REGISTRY_BERTH_ACCESS: berth.access: \"none\": allowed is a map of"},
      {{{"REGISTRY_BERTH_ACCESS", "{}"}}, "REGISTRY_BERTH_ACCESS: berth.access: (a map): allowed is a map with rules"},
      {{{"REGISTRY_BERTH_ACCESS_RULES", ""}}, "REGISTRY_BERTH_ACCESS_RULES: berth.access.rules: (nothing): allowed is"},
      {{{"REGISTRY_BERTH_ACCESS_RULES", "[]"}},
       "REGISTRY_BERTH_ACCESS_RULES: berth.access.rules: (a list): allowed is"},
      {{{"REGISTRY_BERTH_ACCESS_RULES_0_MAY", ""}},
       "config.yml:4: berth.access.rules[0]: (a map): allowed is a map with may"},
      {{{"REGISTRY_BERTH_ACCESS_RULS", "[]"}}, "REGISTRY_BERTH_ACCESS_RULS: berth.access.ruls: no such key"},
      {{{"REGISTRY_BERTH", ""}}, "REGISTRY_BERTH: berth: allowed is a map with access"},
      {{{"REGISTRY_BERTH", "{threads: 3}"}}, "REGISTRY_BERTH: berth: allowed is a map with access"},
      {{{"REGISTRY_AUTH", "{silly: {realm: r, service: s}}"}}, "config.yml:4: berth.access: "},
  };
  for (const auto& [environment, message] : rows) {
    CAPTURE(environment[0].first, environment[0].second);
    CHECK_THAT(refusal_of(file, environment), Catch::StartsWith(message));
  }
  CHECK(refusal_of("", {{"REGISTRY_BERTH_ACCESS", ""}}).starts_with("REGISTRY_BERTH_ACCESS: berth.access: (nothing)"));
  CHECK(refusal_of("", {{"REGISTRY_BERTH_ACCES_RULES", "[]"}}).starts_with("REGISTRY_BERTH_ACCES_RULES: "));
}

} // namespace
} // namespace berth::config
