// Tokens of issuers elsewhere: who is let in, when keys are fetched, how long it counts.
#include "auth/workload_tokens.h"

#include <catch2/catch.hpp>

#include <latch>
#include <thread>

#include "base/guarded.h"
#include "unit/auth/setting.h"
#include "unit/auth/test_issuer.h"
#include "unit/temp_dir.h"

namespace berth::auth {
namespace {

using namespace std::chrono_literals;
using model::Json;
using test::TestKey;

const std::string github = "https://token.actions.githubusercontent.com";
const std::string cluster = "https://kubernetes.default.svc.cluster.local";
const std::string discovery = "/.well-known/openid-configuration";
const std::string audience = "registry.example";

std::string jwks_of(std::initializer_list<const TestKey*> keys) {
  Json list = Json::array();
  for (const TestKey* key : keys) list.push_back(key->jwk());
  return Json{{"keys", list}}.dump();
}

// One of each, made once: an RSA key takes a while.
const TestKey& rsa() {
  static const TestKey key("RS256", "rsa");
  return key;
}
const TestKey& other_rsa() {
  static const TestKey key("RS256", "other");
  return key;
}

// The network: documents by URL, and what was asked for.
struct Web {
  Fetch fetch() {
    return [this](const std::string& url) -> Result<std::string> {
      return all.with([&](auto& state) -> Result<std::string> {
        state.asked.push_back(url);
        const auto found = state.pages.find(url);
        if (found == state.pages.end()) return fail(Code::io, "no route to host");
        return found->second;
      });
    };
  }
  void put(const std::string& url, const std::string& page) {
    all.with([&](auto& state) { state.pages[url] = page; });
  }
  void take(const std::string& url) {
    all.with([&](auto& state) { state.pages.erase(url); });
  }
  std::vector<std::string> asked() {
    return all.with([](auto& state) { return std::exchange(state.asked, {}); });
  }

  struct State {
    std::map<std::string, std::string> pages;
    std::vector<std::string> asked;
  };
  Guarded<State> all;
};

struct Setting {
  explicit Setting(std::vector<WorkloadTokens::Issuer> issuers = usual()) {
    web.put(github + discovery, Json{{"issuer", github}, {"jwks_uri", github + "/keys"}}.dump());
    web.put(github + "/keys", jwks_of({&rsa()}));
    auto made = WorkloadTokens::make({std::move(issuers)}, web.fetch(), clock, log);
    REQUIRE(made);
    tokens = *std::move(made);
  }
  static std::vector<WorkloadTokens::Issuer> usual() {
    return {{"github", github, audience, {}, {"repository", "ref", "environment", "run_number", "protected", "list"}}};
  }

  std::int64_t now() const { return std::chrono::floor<std::chrono::seconds>(clock.now()).time_since_epoch().count(); }
  // As a job of GitHub Actions gets it.
  Json claims() const {
    return {{"iss", github},    {"aud", audience},          {"sub", "repo:octo/app:ref:refs/heads/main"},
            {"iat", now()},     {"nbf", now() - 600},       {"exp", now() + 300},
            {"jti", "4c3f"},    {"repository", "octo/app"}, {"ref", "refs/heads/main"},
            {"run_number", 17}, {"protected", true},        {"list", {"a"}},
            {"actor", "mona"}};
  }
  Json with(const char* name, const Json& value) const {
    Json changed = claims();
    changed[name] = value;
    return changed;
  }
  Json without(const char* name) const {
    Json changed = claims();
    changed.erase(name);
    return changed;
  }

  std::optional<Result<Caller>> show(const std::string& token, const std::string& user = "") {
    return tokens->identify({.user = user, .password = token, .address = "10.0.0.1", .time = clock.now()});
  }
  // The caller's name, or why not.
  std::string who(const std::string& token) {
    const auto caller = show(token);
    if (!caller) return "not its";
    if (*caller) return (*caller)->user;
    if ((*caller).error().code == Code::unavailable) return "unavailable: " + (*caller).error().message;
    CHECK((*caller).error().code == Code::unauthorized);
    CHECK((*caller).error().message.find(token.substr(0, 20)) == std::string::npos);
    return (*caller).error().message;
  }

  test::SetClock clock;
  test::KeptLog log;
  Web web;
  std::unique_ptr<WorkloadTokens> tokens;
};

const std::string job = "github:repo:octo/app:ref:refs/heads/main";

} // namespace

TEST_CASE("a job of GitHub Actions is known by its token") {
  Setting setting;
  CHECK(setting.web.asked().empty());
  for (const char* user : {"", "oidc", "alice"}) {
    const auto caller = setting.show(rsa().sign(setting.claims()), user);
    REQUIRE(caller.has_value());
    REQUIRE(caller->has_value());
    CHECK((*caller)->user == job);
    CHECK((*caller)->kind == Caller::Kind::workload);
    CHECK((*caller)->issuer == "github");
    CHECK((*caller)->groups.empty());
    CHECK((*caller)->claims ==
          std::map<std::string, std::string>{
              {"repository", "octo/app"}, {"ref", "refs/heads/main"}, {"run_number", "17"}, {"protected", "true"}});
  }
  CHECK(setting.web.asked() == std::vector{github + discovery, github + "/keys"});
}

TEST_CASE("a pod of Kubernetes is known by keys in a file, by every algorithm") {
  for (const char* algorithm : {"RS256", "PS256", "ES256", "EdDSA"}) {
    CAPTURE(algorithm);
    const TestKey key(algorithm, "k");
    const test::TempDir folder;
    Setting setting({{"cluster", cluster, audience, folder.write("jwks.json", jwks_of({&key}))}});
    Json claims{{"iss", cluster},
                {"aud", {"https://kubernetes.default.svc", audience}},
                {"sub", "system:serviceaccount:ci:builder"},
                {"iat", setting.now()},
                {"nbf", setting.now()},
                {"exp", setting.now() + 3600},
                {"kubernetes.io", {{"namespace", "ci"}, {"serviceaccount", {{"name", "builder"}}}}}};
    CHECK(setting.who(key.sign(claims)) == "cluster:system:serviceaccount:ci:builder");
    claims["aud"] = Json::array({"https://kubernetes.default.svc"});
    CHECK(setting.who(key.sign(claims)) == "for another service (aud)");
    CHECK(setting.web.asked().empty());
  }
}

TEST_CASE("what has not the form of such a token is somebody else's") {
  Setting setting;
  for (const char* text : {"", "secret", "eyJhbGciOiJub25lIn0", "eyJ.a.b.c", "eyJ.a!.b", "b1.eyJ.x", "eyJ a.b.c"})
    CHECK(setting.who(text) == "not its");
  CHECK(setting.who("eyJ.e30.x") == "a part is not base64url without padding");
  CHECK(setting.web.asked().empty());
}

TEST_CASE("a token that is not for us, not now, or not signed right is refused") {
  Setting setting;
  const auto signed_now = [&](const Json& claims) { return setting.who(rsa().sign(claims)); };
  CHECK(signed_now(setting.with("iss", github + "/")) == "its issuer is none of berth.access.issuers (iss)");
  CHECK(signed_now(setting.without("iss")) == "its issuer is none of berth.access.issuers (iss)");
  CHECK(signed_now(setting.with("aud", "elsewhere")) == "for another service (aud)");
  CHECK(signed_now(setting.without("aud")) == "for another service (aud)");
  CHECK(signed_now(setting.without("exp")) == "it never expires (exp)");
  CHECK(signed_now(setting.with("exp", setting.now() - 61)) == "it has expired");
  CHECK(signed_now(setting.with("exp", setting.now() - 59)) == job);
  CHECK(signed_now(setting.with("exp", setting.now() + 86401)) == "it lives for longer than 24 hours (exp)");
  CHECK(signed_now(setting.with("nbf", setting.now() + 61)) == "it is not valid yet");
  CHECK(signed_now(setting.with("iat", setting.now() + 61)) == "it was issued in the future (iat)");
  CHECK(signed_now(setting.with("iat", "now")) == "iat is no time");
  CHECK(signed_now(setting.without("iat")) == job);
  CHECK(signed_now(setting.without("sub")) == "its subject is no name (sub)");
  CHECK(signed_now(setting.with("sub", "a\nb")) == "its subject is no name (sub)");
  CHECK(signed_now(setting.with("sub", std::string(513, 'x'))) == "its subject is no name (sub)");
  Json long_lived = setting.with("iat", setting.now() - 80000);
  long_lived["exp"] = setting.now() + 80000;
  CHECK(signed_now(long_lived) == "it lives for longer than 24 hours (exp)");

  std::string changed = rsa().sign(setting.claims());
  changed[changed.rfind('.') + 10] = changed[changed.rfind('.') + 10] == 'A' ? 'B' : 'A';
  CHECK(setting.who(changed) != job);
  const TestKey forged("RS256", "rsa"); // of the same name
  CHECK(setting.who(forged.sign(setting.claims())) != job);
  const std::string none = model::to_jose_base64(R"({"alg":"none","kid":"rsa"})") + "." +
                           model::to_jose_base64(setting.claims().dump()) + ".";
  CHECK(setting.who(none) == "alg is none of EdDSA, ES256, PS256, RS256");
}

TEST_CASE("what a token says that is refused anyhow fetches no keys") {
  Setting setting;
  CHECK(setting.who(rsa().sign(setting.with("aud", "elsewhere"))) == "for another service (aud)");
  CHECK(setting.who(rsa().sign(setting.with("exp", setting.now() - 100))) == "it has expired");
  CHECK(setting.web.asked().empty());
}

TEST_CASE("a key that is not known is asked for, once a minute") {
  Setting setting;
  CHECK(setting.who(rsa().sign(setting.claims())) == job);
  setting.web.put(github + "/keys", jwks_of({&rsa(), &other_rsa()}));
  setting.web.asked();
  CHECK(setting.who(other_rsa().sign(setting.claims())) == "the kid is of no trusted key: \"other\"");
  CHECK(setting.web.asked().empty());
  setting.clock.pass(59s);
  CHECK(setting.who(other_rsa().sign(setting.claims())) != job);
  setting.clock.pass(1s);
  CHECK(setting.who(other_rsa().sign(setting.claims())) == job);
  CHECK(setting.web.asked().size() == 2);
  CHECK(setting.who(rsa().sign(setting.claims())) == job);
  CHECK(setting.web.asked().empty());
}

TEST_CASE("old keys stay while the issuer cannot be reached, and go when it withdraws them") {
  Setting setting;
  CHECK(setting.who(rsa().sign(setting.claims())) == job);
  setting.web.take(github + discovery);
  setting.clock.pass(2h);
  setting.web.asked();
  setting.log.take();
  for (int i = 0; i < 3; ++i) CHECK(setting.who(rsa().sign(setting.claims())) == job);
  CHECK(setting.web.asked().size() == 1); // an attempt a minute
  setting.clock.pass(1min);
  CHECK(setting.who(rsa().sign(setting.claims())) == job);
  CHECK(setting.web.asked().size() == 1);
  CHECK(setting.log.take() ==
        std::vector<std::string>{"error: the keys of an issuer of tokens cannot be fetched; those that are known stay "
                                 "in force issuer=github error=no route to host"});
  setting.web.put(github + discovery, Json{{"issuer", github}, {"jwks_uri", github + "/keys"}}.dump());
  setting.web.put(github + "/keys", jwks_of({&other_rsa()}));
  setting.clock.pass(1min);
  CHECK(setting.who(rsa().sign(setting.claims())) == "the kid is of no trusted key: \"rsa\"");
  CHECK(setting.log.take().at(0) == "info: the keys of an issuer of tokens can be fetched again issuer=github");
}

TEST_CASE("without keys nobody can be judged, and ten seconds later they are asked for again") {
  Setting setting;
  setting.web.take(github + "/keys");
  const std::string unavailable = "unavailable: the keys of github cannot be had now";
  for (int i = 0; i < 3; ++i) CHECK(setting.who(rsa().sign(setting.claims())) == unavailable);
  CHECK(setting.web.asked().size() == 2);
  setting.web.put(github + "/keys", jwks_of({&rsa()}));
  setting.clock.pass(10s);
  CHECK(setting.who(rsa().sign(setting.claims())) == job);
}

TEST_CASE("a configuration that is another's, or leads to plain HTTP, is not followed") {
  Setting setting;
  const std::string refused = "unavailable: the keys of github cannot be had now";
  for (const Json& page : {Json{{"issuer", "https://evil.example"}, {"jwks_uri", github + "/keys"}},
                           Json{{"issuer", github}, {"jwks_uri", "http://token.example/keys"}},
                           Json{{"issuer", github}, {"jwks_uri", "http://127.0.0.1@evil.example/keys"}},
                           Json{{"issuer", github}, {"jwks_uri", "file:///etc/passwd"}}, Json{{"issuer", github}}}) {
    setting.web.put(github + discovery, page.dump());
    setting.clock.pass(10s);
    CHECK(setting.who(rsa().sign(setting.claims())) == refused);
    CHECK(setting.web.asked() == std::vector{github + discovery});
  }
}

TEST_CASE("many who come at once cause one fetch") {
  Setting setting;
  std::latch first(1), rest(1);
  std::atomic<int> fetches = 0;
  const Fetch slow = [&](const std::string& url) {
    if (fetches++ == 0) {
      first.count_down();
      rest.wait();
    }
    return setting.web.fetch()(url);
  };
  setting.tokens = WorkloadTokens::make({Setting::usual()}, slow, setting.clock, setting.log).value();
  const std::string token = rsa().sign(setting.claims());
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { right += setting.show(token)->has_value() ? 1 : 0; });
    first.wait();
    rest.count_down();
  }
  CHECK(right == 8);
  CHECK(fetches == 2); // the configuration, the keys
}

TEST_CASE("while keys are asked for again, others go on with those that are there") {
  Setting setting;
  std::latch asked(1), goes_on(1);
  std::atomic<bool> is_slow = false;
  const Fetch slow = [&](const std::string& url) {
    if (is_slow.exchange(false)) {
      asked.count_down();
      goes_on.wait();
    }
    return setting.web.fetch()(url);
  };
  setting.tokens = WorkloadTokens::make({Setting::usual()}, slow, setting.clock, setting.log).value();
  CHECK(setting.who(rsa().sign(setting.claims())) == job);
  setting.clock.pass(2h);
  const std::string token = rsa().sign(setting.claims());
  is_slow = true;
  std::jthread first([&] { setting.show(token); });
  asked.wait();
  CHECK(setting.who(token) == job);
  goes_on.count_down();
}

TEST_CASE("a caller is current until its token and one of ours have expired") {
  Setting setting;
  const Caller caller = setting.show(rsa().sign(setting.claims()))->value();
  CHECK(setting.tokens->is_current(caller) == true);
  setting.clock.pass(300s + 60s + 899s);
  CHECK(setting.tokens->is_current(caller) == true);
  setting.clock.pass(1s);
  CHECK(setting.tokens->is_current(caller) == false);
  Caller other = setting.show(rsa().sign(setting.claims()))->value();
  other.issuer = "gitlab";
  CHECK(setting.tokens->is_current(other) == false);
  other.issuer = "github";
  other.stamp = "1e9";
  CHECK(setting.tokens->is_current(other) == false);
  CHECK_FALSE(setting.tokens->is_current({.user = "alice"}).has_value());
}

TEST_CASE("issuers that cannot be trusted are refused at the start") {
  Setting setting;
  const auto complaint = [&](std::vector<WorkloadTokens::Issuer> issuers) {
    const auto made = WorkloadTokens::make({std::move(issuers)}, setting.web.fetch(), setting.clock, setting.log);
    REQUIRE_FALSE(made);
    return made.error().message;
  };
  CHECK(complaint({{"a", github, ""}}) == "berth.access.issuers.a: an issuer has a name, a url and an audience");
  CHECK(complaint({{"a", github, "x"}, {"b", github, "y"}}) ==
        "berth.access.issuers.b: no two issuers have one name, or one url");
  CHECK(complaint({{"a", "http://issuer.example", "x"}}).starts_with("berth.access.issuers.a.url: "));
  CHECK(complaint({{"a", "http://127.0.0.1.example", "x"}}).starts_with("berth.access.issuers.a.url: "));
  CHECK(complaint({{"a", github, "x", "http://issuer.example/jwks"}}).starts_with("berth.access.issuers.a.jwks: "));
  CHECK(complaint({{"a", github, "x", "/nowhere/jwks.json"}}).starts_with("berth.access.issuers.a.jwks: "));
  CHECK(
      WorkloadTokens::make({{{"a", "http://localhost:8080/x", "x"}}}, setting.web.fetch(), setting.clock, setting.log));
}

} // namespace berth::auth
