#include <catch2/catch.hpp>

#include "auth/basic.h"
#include "auth/challenge.h"
#include "auth/htpasswd_access.h"
#include "auth/silly_access.h"
#include "unit/auth/setting.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::auth;

namespace {

constexpr std::string_view alice = "alice:$2y$05$berthVECTORSALT012345uJ/QsPcT.E0bMGXgqU5yYjRk8DSSTLnu\n"; // secret
constexpr std::string_view changed = "alice:$2y$04$berthVECTORSALT012345ud23ItC5rlf3Y0vGoTZ/ZmEpWl1iX83i\n";
constexpr std::string_view right = "Basic YWxpY2U6c2VjcmV0";
constexpr std::string_view wrong = "Basic YWxpY2U6d3Jvbmc=";

const std::vector<Access> mount{{"repository", "team/app", "pull"},
                                {"repository", "other/repo", "pull"},
                                {"repository", "team/app", "push"},
                                {"repository", "team/app", "pull"}};

struct Setting {
  Setting() { directory.write("htpasswd", alice); }
  std::expected<Grant, Refusal> ask(const Credentials& credentials) {
    if (!access)
      access =
          HtpasswdAccess::make({"Registry \"Realm\" ü", directory.path() + "/htpasswd"}, clock, random, log).value();
    return access->authorize({credentials, mount, "https://registry.example"});
  }

  test::TempDir directory;
  test::SetClock clock;
  SystemRandom random;
  test::KeptLog log;
  std::unique_ptr<HtpasswdAccess> access;
};

void check_unauthorized(const std::expected<Grant, Refusal>& outcome) {
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().error.code == Code::unauthorized);
  CHECK(outcome.error().error.message.empty());
  CHECK(outcome.error().challenge == R"(Basic realm="Registry \"Realm\" ü")");
}

} // namespace

TEST_CASE("Basic is a scheme in any case, one blank, and padded base64") {
  for (const std::string scheme : {"Basic ", "basic ", "BASIC "}) {
    const auto credentials = parse_basic(scheme + "YWxpY2U6c2U6Y3JldA==");
    REQUIRE(credentials);
    CHECK(credentials->user == "alice");
    CHECK(credentials->password == "se:cret");
  }
  CHECK(parse_basic("Basic Ojo6Pj4+Pz8/")->password == "::>>>???"); // + and / of the standard alphabet
  for (const std::string refused : {"", "Basic", "Basic ", "Bearer YWxpY2U6c2VjcmV0", "Basic  YWxpY2U6c2VjcmV0",
                                    "Basic\tYWxpY2U6c2VjcmV0", "Basic YWxpY2U6c2VjcmV0 ", "Basic YWxpY2U6c2U6Y3JldA",
                                    "Basic Ojo6Pj4-Pz8_", "Basic YWxpY2U=", "BasicYWxpY2U6"}) {
    INFO(refused);
    const auto outcome = parse_basic(refused);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Code::invalid);
    CHECK(outcome.error().message.find("YWxp") == std::string::npos);
  }
  CHECK(is_basic("bASIC x"));
  CHECK_FALSE(is_basic("Basic"));
  CHECK_FALSE(is_basic("Basics x"));
}

TEST_CASE("empty:empty is nobody, and nobody else is") {
  CHECK(parse_basic("Basic Og==")->is_nobody());
  CHECK_FALSE(parse_basic("Basic Ong=")->is_nobody());
  CHECK_FALSE(parse_basic("Basic eDo=")->is_nobody());
}

TEST_CASE("a text is quoted as Go quotes it") {
  CHECK(go_quote("plain ü 日本 😀 ' <&>") == "\"plain ü 日本 😀 ' <&>\"");
  CHECK(go_quote("a\"b\\c") == R"("a\"b\\c")");
  CHECK(go_quote("\a\b\f\n\r\t\v") == R"("\a\b\f\n\r\t\v")");
  CHECK(go_quote(std::string_view("\0\x1f\x7f", 3)) == R"("\x00\x1f\x7f")");
  CHECK(go_quote("\xff\xc3(\xe2\x82\xc0\xaf\xed\xa0\x80") == R"("\xff\xc3(\xe2\x82\xc0\xaf\xed\xa0\x80")");
  CHECK(go_quote("\u0085\u00a0\u00ad\u200b\u2028\ufeff\ue000") == R"("\u0085\u00a0\u00ad\u200b\u2028\ufeff\ue000")");
  CHECK(go_quote("\U0010ffff\U000e0001\ufffe") == R"("\U0010ffff\U000e0001\ufffe")");
  CHECK(go_quote("\ufffd\U000e0100") == "\"\ufffd\U000e0100\"");
}

TEST_CASE("a Bearer challenge names the scopes, and nothing that is not needed") {
  const std::string begin = R"(Bearer realm="https://registry.example/token",service="registry.example")";
  const auto challenge = [](std::span<const Access> needed, Grouping grouping, std::string_view error = {}) {
    return bearer_challenge("https://registry.example/token", "registry.example", needed, grouping, error);
  };
  CHECK(challenge({}, Grouping::by_resource) == begin);
  CHECK(challenge({}, Grouping::by_action) == begin);
  CHECK(challenge(mount, Grouping::by_resource) ==
        begin + R"(,scope="repository:team/app:pull,push repository:other/repo:pull")");
  CHECK(challenge(mount, Grouping::by_action) ==
        begin + R"(,scope="repository:team/app:pull repository:other/repo:pull repository:team/app:push")");
  CHECK(challenge(std::span(mount).first(1), Grouping::by_resource, "invalid_token") ==
        begin + R"(,scope="repository:team/app:pull",error="invalid_token")");
  const std::vector<Access> smuggling{{"repository", "a\"\r\nSet-Cookie: x", "pull"}};
  CHECK(challenge(smuggling, Grouping::by_resource) == begin + R"(,scope="repository:a\"\r\nSet-Cookie: x:pull")");
  CHECK(bearer_challenge("a\"b", "c\\d", {}, Grouping::by_action) == R"(Bearer realm="a\"b",service="c\\d")");
}

TEST_CASE("htpasswd: who has no good credentials is asked for them") {
  Setting setting;
  for (const std::string_view authorization :
       {"", "Basic Og==", "Basic OnNlY3JldA==", "Basic !", "Bearer x", "Basic", wrong.data()}) {
    INFO(authorization);
    check_unauthorized(setting.ask({authorization}));
  }
  CHECK(setting.access->passwords().counts().bcrypts == 1); // of the wrong password alone
}

TEST_CASE("htpasswd: a user of the file may do everything") {
  Setting setting;
  const auto grant = setting.ask({right});
  REQUIRE(grant);
  CHECK(grant->caller.user == "alice");
  CHECK(grant->caller.stamp == Htpasswd::parse(alice)->find("alice")->stamp);
  CHECK(grant->may_pull == nullptr);
}

TEST_CASE("htpasswd: a change of the file counts with the next request, for passwords and for who is vouched for") {
  Setting setting;
  const Caller caller = setting.ask({right})->caller;
  CHECK(setting.ask({"", "", &caller})->caller.user == "alice");
  const Caller other{"bob", caller.stamp};
  check_unauthorized(setting.ask({"", "", &other}));
  const Caller unstamped{"alice"};
  check_unauthorized(setting.ask({"", "", &unstamped}));

  setting.directory.write("htpasswd", changed);
  check_unauthorized(setting.ask({right}));
  check_unauthorized(setting.ask({"", "", &caller}));
}

TEST_CASE("htpasswd: who has failed too often is told to wait, without a challenge") {
  Setting setting;
  for (const char c : std::string_view("ABEIMQUYcg")) // bytes of the password
    check_unauthorized(setting.ask({std::string("Basic YWxpY2U6d3Jvbmd") + c, "10.0.0.1"}));
  const auto outcome = setting.ask({right, "10.0.0.1"});
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().error.code == Code::too_many_requests);
  CHECK(outcome.error().challenge.empty());
}

TEST_CASE("htpasswd: a file that is not there is no open registry") {
  Setting setting;
  const auto made =
      HtpasswdAccess::make({"r", setting.directory.path() + "/none"}, setting.clock, setting.random, setting.log);
  REQUIRE_FALSE(made);
  CHECK(made.error().message.starts_with("auth.htpasswd.path: "));
}

TEST_CASE("silly: any Authorization will do, and none is asked for") {
  SillyAccess access("realm", "service");
  const auto refused = access.authorize({{}, std::span(mount).first(3)});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error.code == Code::unauthorized);
  CHECK(refused.error().challenge ==
        R"(Bearer realm="realm",service="service",scope="repository:team/app:pull repository:other/repo:pull )"
        R"(repository:team/app:push")");
  CHECK(access.authorize({}).error().challenge == R"(Bearer realm="realm",service="service")");
  CHECK(access.authorize({{"x"}, mount})->caller.user == "silly");
  const Caller silly{"silly"}, alice_{"alice"};
  CHECK(access.authorize({{"", "", &silly}, {}}));
  CHECK_FALSE(access.authorize({{"", "", &alice_}, {}}));
}
