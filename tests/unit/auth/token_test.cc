// auth.token: the verdicts of the vectors, and the challenges to the byte.
#include "auth/token_access.h"

#include <catch2/catch.hpp>

#include <map>

#include "auth/jws.h"
#include "model/strict_json.h"
#include "unit/temp_dir.h"

namespace berth::auth {
namespace {

const std::string vectors = BERTH_SOURCE_DIR "/tests/unit/auth/vectors/";
const std::string realm = R"(realm="https://registry.example/token",service="registry.example")";

// Tokens by name, with the verdicts that they should get.
struct Vector {
  std::string token, verdict;
};
const std::map<std::string, Vector>& tokens() {
  static const auto read = [] {
    std::map<std::string, Vector> all;
    for (const auto& line : model::Json::parse(test::read_whole(vectors + "tokens.json")))
      all[line["name"]] = {line["token"], line["berth"]};
    return all;
  }();
  return read;
}
const std::string& token(const std::string& name) { return tokens().at(name).token; }

class Lines final : public Logger {
public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override {
    std::string line(message);
    for (const auto& [name, value] : fields) line.append(" ").append(name).append("=").append(value);
    (level == LogLevel::error ? errors : others).push_back(line);
  }
  std::vector<std::string> errors, others;
};

TokenAccess::Options options(const std::string& bundle = vectors + "bundle-3x.pem",
                             const std::string& jwks = vectors + "jwks.json") {
  return {"https://registry.example/token", "registry.example", "berth-vectors", bundle, jwks};
}

const std::vector<Access> to_pull{{"repository", "team/app", "pull"}};
const std::vector<Access> to_push{{"repository", "team/app", "pull"}, {"repository", "team/app", "push"}};
const std::vector<Access> to_list{{"registry", "catalog", "*"}};

Time at(std::int64_t seconds) { return Time(std::chrono::seconds(seconds)); }
constexpr std::int64_t now = 1'800'000'000;

struct Door {
  Lines log;
  std::unique_ptr<TokenAccess> access;

  explicit Door(TokenAccess::Options given = options()) : access(TokenAccess::make(std::move(given), log).value()) {}

  std::expected<Grant, Refusal> send(const std::string& authorization, const std::vector<Access>& needed = {},
                                     Time time = at(now)) {
    return access->authorize({{.authorization = authorization, .time = time}, needed, "https://door.example:5000"});
  }
  // "ok", or the challenge after its realm and service.
  std::string verdict(const std::string& authorization, const std::vector<Access>& needed = {}, Time time = at(now)) {
    const auto grant = send(authorization, needed, time);
    if (grant) return "ok";
    CHECK(grant.error().error.code == Code::unauthorized);
    CHECK(grant.error().error.detail.empty());
    const std::string beginning = "Bearer " + realm;
    REQUIRE(grant.error().challenge.starts_with(beginning));
    return grant.error().challenge.substr(beginning.size());
  }
  std::string show(const std::string& name, const std::vector<Access>& needed = {}, Time time = at(now)) {
    return verdict("Bearer " + token(name), needed, time);
  }
};

const std::string pull_scope = R"(,scope="repository:team/app:pull")";
const std::string push_scope = R"(,scope="repository:team/app:pull,push")";
const std::string list_scope = R"(,scope="registry:catalog:*")";
const std::string invalid = R"(,error="invalid_token")";
const std::string insufficient = R"(,error="insufficient_scope")";

TEST_CASE("every token gets the verdict of the vectors") {
  Door door;
  REQUIRE(tokens().size() == 134);
  for (int round = 0; round < 2; ++round) { // the second is answered from memory
    for (const auto& [name, vector] : tokens()) {
      INFO(name);
      if (name == "empty") continue;
      const bool good = vector.verdict != "refuse", rights = vector.verdict == "accept";
      const bool catalog = name.starts_with("access-catalog");
      CHECK(door.show(name) == (good ? "ok" : invalid));
      CHECK(door.show(name, to_pull) == (!good ? pull_scope + invalid
                                         : rights || name.starts_with("access-pull-only@")
                                             ? "ok"
                                             : pull_scope + insufficient));
      CHECK(door.show(name, to_push) == (!good ? push_scope + invalid : rights ? "ok" : push_scope + insufficient));
      CHECK(door.show(name, to_list) == (!good ? list_scope + invalid : catalog ? "ok" : list_scope + insufficient));
    }
  }
}

TEST_CASE("what is sent beside a token gets a challenge without an error") {
  Door door;
  const std::string good = token("es256-kid-thumbprint");
  for (const std::string& nothing :
       std::vector<std::string>{"", "Bearer", "Bearer ", "Bearer  " + good, "Bearer\t" + good, "Bearer " + good + " ",
                                "Bearer " + good + " x", " Bearer " + good, "Basic YTpi", "Bearerx " + good, good})
    CHECK(door.verdict(nothing, to_pull) == pull_scope);
  CHECK(door.verdict("bEARER " + good, to_pull) == "ok");
  CHECK(door.verdict("Bearer x", to_pull) == pull_scope + invalid);
  CHECK(door.verdict("Bearer " + good + "\t", to_pull) == pull_scope + invalid);
  CHECK(door.verdict("Bearer " + std::string(max_token_bytes + 1, 'a')) == invalid);
}

TEST_CASE("challenges to the byte") {
  Door door;
  CHECK(door.verdict("") == "");
  CHECK(door.verdict("", to_list) == R"(,scope="registry:catalog:*")");
  std::vector<Access> mount = to_push;
  mount.push_back({"repository", "other/repo", "pull"});
  CHECK(door.verdict("", mount) == R"(,scope="repository:team/app:pull,push repository:other/repo:pull")");
  CHECK(door.show("rs256-kid-libtrust", mount) ==
        R"(,scope="repository:team/app:pull,push repository:other/repo:pull",error="insufficient_scope")");
  CHECK(door.verdict("", {{"repository", "a\"\r\nX: \\\x01", "pull"}}) ==
        R"(,scope="repository:a\"\r\nX: \\\x01:pull")");

  auto quoted = options();
  quoted.realm = "a \"b\"";
  Door other(quoted);
  CHECK(other.send("").error().challenge == R"(Bearer realm="a \"b\"",service="registry.example")");
}

TEST_CASE("autoredirect: the realm is on the host that was asked") {
  auto redirecting = options();
  redirecting.auto_redirect = true;
  CHECK(Door(redirecting).send("").error().challenge ==
        R"(Bearer realm="https://door.example:5000/auth/token",service="registry.example")");
  redirecting.auto_redirect_path = "/a b/ü?x=%";
  CHECK(Door(redirecting).send("").error().challenge ==
        R"(Bearer realm="https://door.example:5000/a%20b/%C3%BC%3Fx=%25",service="registry.example")");
}

TEST_CASE("the grant: who it is, and what else may be pulled") {
  Door door;
  const auto grant = door.send("Bearer " + token("rs256-kid-jwks")).value();
  CHECK(grant.caller.user == "alice");
  // Until the token ends, without the leeway.
  const auto soon = door.send("Bearer " + token("expired@libtrust"), {}, at(1'700'003'650)).value();
  CHECK(soon.good_until == std::chrono::sys_seconds(std::chrono::seconds(1'700'003'600)));
  CHECK(grant.may_pull(model::RepositoryName::parse("team/app").value()));
  CHECK_FALSE(grant.may_pull(model::RepositoryName::parse("team/other").value()));
  CHECK(door.send("Bearer " + token("sub-missing@libtrust")).value().caller.user.empty());
  CHECK(door.send("Bearer " + token("access-star@thumbprint"))
            .value()
            .may_pull(model::RepositoryName::parse("team/app").value()));
  CHECK_FALSE(door.send("Bearer " + token("access-name-star@libtrust"))
                  .value()
                  .may_pull(model::RepositoryName::parse("team/app").value()));
}

TEST_CASE("who comes with a token of ours instead is nobody here") {
  Door door;
  const Caller caller{"alice"};
  const std::string authorization = "Bearer " + token("rs256-kid-jwks");
  const auto answer = door.access->authorize(
      {{.authorization = authorization, .vouched = &caller, .time = at(now)}, to_pull, "https://door.example"});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().error.code == Code::unauthorized);
  CHECK(answer.error().challenge == "Bearer " + realm + pull_scope);
}

TEST_CASE("a minute of leeway, to the second, also for a token that is known") {
  Door door;
  for (const std::string kind : {"@libtrust", "@thumbprint"}) {
    CHECK(door.show("expired" + kind, to_pull, at(1'700'003'660)) == "ok");
    CHECK(door.show("expired" + kind, to_pull, at(1'700'003'660) + std::chrono::nanoseconds(999'999'999)) == "ok");
    CHECK(door.show("expired" + kind, to_pull, at(1'700'003'661)) == pull_scope + invalid);
    CHECK(door.show("nbf-future" + kind, to_pull, at(3'999'999'939)) == pull_scope + invalid);
    CHECK(door.show("nbf-future" + kind, to_pull, at(3'999'999'940)) == "ok");
    CHECK(door.show("nbf-future" + kind, to_pull, at(3'999'999'939)) == pull_scope + invalid);
  }
}

TEST_CASE("certificates count by the clock, also of a token that is known") {
  Door door;
  constexpr std::int64_t before = 1'577'836'800 - 86'400 * 2; // the vectors' certificates begin with 2020
  CHECK(door.show("es256-x5c-chain", to_pull) == "ok");
  CHECK(door.show("es256-x5c-chain", to_pull, at(before)) == pull_scope + invalid);
  // nbf refuses that one too: the reason tells.
  CHECK(door.log.others.back().find("x5c: certificate is not yet valid") != std::string::npos);
  CHECK(door.show("es256-x5c-chain", to_pull) == "ok");
}

TEST_CASE("algorithms are those of the configuration") {
  auto few = options();
  few.algorithms = {"ES256", "PS256"};
  Door door(few);
  CHECK(door.show("es256-kid-thumbprint") == "ok");
  CHECK(door.show("ps256-kid-thumbprint") == "ok");
  CHECK(door.show("rs256-kid-thumbprint") == invalid);
  CHECK(door.show("eddsa-kid-thumbprint") == invalid);

  NullLogger log;
  for (const std::string name : {"HS256", "none", "rs256", ""}) {
    few.algorithms = {"ES256", name};
    const auto made = TokenAccess::make(few, log);
    REQUIRE_FALSE(made);
    CHECK(made.error().message == "auth.token.signingalgorithms: \"" + name +
                                      "\" is none of EdDSA, RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, "
                                      "PS512");
  }
}

TEST_CASE("one source of keys is enough") {
  Door bundle(options(vectors + "bundle-3x.pem", "")), jwks(options("", vectors + "jwks.json"));
  CHECK(bundle.show("rs256-kid-libtrust") == "ok");
  CHECK(bundle.show("rs256-kid-jwks") == invalid);
  CHECK(jwks.show("rs256-kid-jwks") == "ok");
  CHECK(jwks.show("rs256-kid-libtrust") == invalid);
  CHECK(jwks.show("rs256-x5c-root") == invalid);
}

TEST_CASE("what cannot be honoured is no start") {
  NullLogger log;
  const test::TempDir dir;
  const auto why = [&](TokenAccess::Options given) { return TokenAccess::make(std::move(given), log).error().message; };
  CHECK(why(options("", "")) == "auth.token.rootcertbundle or auth.token.jwks is missing");
  const std::string gone = dir.path() + "/gone";
  CHECK(why(options(gone, "")) ==
        "auth.token.rootcertbundle: \"" + gone + "\": open " + gone + ": No such file or directory");
  CHECK(why(options(vectors + "bundle-3x.pem", gone)).starts_with("auth.token.jwks: \"" + gone + "\": "));
  const std::string empty = dir.write("empty", "");
  CHECK(why(options(empty, "")) == "auth.token.rootcertbundle: \"" + empty + "\": no certificate in PEM");
  CHECK(why(options("", empty)) == "auth.token.jwks: \"" + empty + "\": not JSON: syntax error");
  CHECK(why(options(dir.path(), "")).ends_with(": not a regular file"));
  auto nameless = options();
  nameless.service = "";
  CHECK(why(nameless) == "auth.token.service is missing");
}

TEST_CASE("files are read again when they change, and broken ones change nothing") {
  const test::TempDir dir;
  const std::string whole = test::read_whole(vectors + "bundle-3x.pem");
  const std::string rsa = whole.substr(0, whole.find("-----BEGIN", 1)); // the first certificate
  const std::string path = dir.write("bundle.pem", rsa);
  Door door(options(path, ""));
  CHECK(door.show("rs256-kid-libtrust") == "ok");
  CHECK(door.show("es256-kid-libtrust") == invalid);

  dir.write("bundle.pem", whole);
  CHECK(door.show("es256-kid-libtrust") == "ok");
  CHECK(door.log.errors.empty());

  dir.write("bundle.pem", whole.substr(0, whole.size() - 40));
  for (int i = 0; i < 3; ++i) CHECK(door.show("es256-kid-libtrust") == "ok");
  REQUIRE(door.log.errors.size() == 1);
  CHECK(door.log.errors[0] == "the keys of tokens are not taken; those that were read last stay in force error="
                              "auth.token.rootcertbundle: \"" +
                                  path + "\": a PEM block that is broken");
  std::filesystem::remove(path);
  for (int i = 0; i < 3; ++i) CHECK(door.show("es256-kid-thumbprint") == "ok");
  CHECK(door.log.errors.size() == 2);

  // A key that is taken away ends its tokens, which are known, at once.
  dir.write("bundle.pem", rsa);
  CHECK(door.show("es256-kid-libtrust") == invalid);
  CHECK(door.show("rs256-kid-libtrust") == "ok");
  CHECK(door.log.errors.size() == 2);
}

} // namespace
} // namespace berth::auth
