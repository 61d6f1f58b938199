// /v2/token: what comes and what is answered.
#include <nlohmann/json.hpp>

#include "unit/api/face.h"

using namespace berth;
using namespace berth::test;

namespace {

struct Asked {
  std::string authorization, refresh_token, account, origin;
  std::vector<std::string> scopes;
  bool offline = false;
};

class Service final : public auth::TokenService {
public:
  std::expected<auth::IssuedToken, auth::Refusal> issue(const auth::TokenRequest& request) override {
    asked.push_back({std::string(request.credentials.authorization), std::string(request.refresh_token),
                     std::string(request.account), std::string(request.origin), request.scopes, request.offline});
    if (refuses) return std::unexpected(auth::Refusal{{*refuses, {}, {}}, "Basic realm=\"r\""});
    return auth::IssuedToken{"b1.x.y", "alice", std::chrono::seconds(900), FixedClock().now(),
                             request.offline ? "b1.r.z" : ""};
  }

  std::optional<Code> refuses;
  std::vector<Asked> asked;
};

struct Tokens {
  explicit Tokens(std::string prefix = "/") {
    api::Options options = default_options();
    options.prefix = std::move(prefix);
    api.emplace(api::Api::Parts{.registry = base.registry, .clock = base.clock, .logger = base.log, .tokens = &service},
                std::move(options));
  }
  Reply send(std::string_view line, const Fields& headers = {}, std::string body = {}) {
    return test::send(*api, line, headers, std::move(body));
  }

  Face base;
  Service service;
  std::optional<api::Api> api;
};

} // namespace

TEST_CASE("GET /v2/token: docker's question and the answer") {
  Tokens tokens;
  const Reply reply = tokens.send("GET /v2/token?account=alice&client_id=docker&offline_token=true&service=s"
                                  "&scope=repository%3Aa%3Apull&scope=repository:b:pull,push+repository:c:pull",
                                  {{"Authorization", "Basic YWxpY2U6c2VjcmV0"}});
  CHECK(reply.status() == 200);
  CHECK(reply.header("Cache-Control") == "no-store");
  CHECK(reply.header("Content-Type") == "application/json; charset=utf-8");
  CHECK(reply.body() == R"({"token":"b1.x.y","access_token":"b1.x.y","expires_in":900,)"
                        R"("issued_at":"2024-01-02T03:04:05Z","refresh_token":"b1.r.z"})"
                        "\n");
  REQUIRE(tokens.service.asked.size() == 1);
  const Asked& asked = tokens.service.asked[0];
  CHECK(asked.authorization == "Basic YWxpY2U6c2VjcmV0");
  CHECK(asked.account == "alice");
  CHECK(asked.origin == "https://registry.example");
  CHECK(asked.offline);
  CHECK(asked.scopes == std::vector<std::string>{"repository:a:pull", "repository:b:pull,push", "repository:c:pull"});
  CHECK_FALSE(tokens.send("GET /v2/token").mentions("refresh_token"));
}

TEST_CASE("POST /v2/token: a form is read, whatever else it says") {
  Tokens tokens;
  CHECK(tokens
            .send("POST /v2/token", {},
                  "grant_type=password&username=al%3Fice&password=p%26w%3A+%2B&service=&client_id=c&"
                  "scope=repository:a:pull+repository:b:pull&access_type=offline")
            .mentions("refresh_token"));
  Asked asked = tokens.service.asked.back();
  CHECK(asked.authorization == "Basic YWw/aWNlOnAmdzogKw==");
  CHECK(asked.scopes.size() == 2);
  CHECK(tokens
            .send("POST /v2/token", {{"Authorization", "Basic YWxpY2U6c2VjcmV0"}},
                  "grant_type=refresh_token&refresh_token=b1.r.z&scope=repository:a:pull")
            .status() == 200);
  asked = tokens.service.asked.back();
  CHECK(asked.refresh_token == "b1.r.z");
  CHECK(asked.authorization.empty());
  CHECK_FALSE(asked.offline);

  tokens.service.asked.clear();
  for (const auto& [form, error] : std::vector<std::pair<std::string, std::string>>{
           {"", "invalid_request"},
           {"grant_type=refresh_token", "invalid_request"},
           {"grant_type=client_credentials&username=a", "unsupported_grant_type"},
           {"grant_type=%", "unsupported_grant_type"}}) {
    CAPTURE(form);
    const Reply reply = tokens.send("POST /v2/token", {}, form);
    CHECK(reply.status() == 400);
    CHECK(nlohmann::json::parse(reply.body())["error"] == error);
    CHECK(reply.header("Cache-Control") == "no-store");
  }
  CHECK(tokens.send("POST /v2/token", {}, "grant_type=password&x=" + std::string(64 * 1024, 'x')).status() == 400);
  CHECK(tokens.service.asked.empty());
}

TEST_CASE("/v2/token refuses in the registry's form") {
  Tokens tokens;
  tokens.service.refuses = Code::unauthorized;
  const Reply reply = tokens.send("GET /v2/token");
  CHECK(reply.status() == 401);
  CHECK(reply.code() == "UNAUTHORIZED");
  CHECK(reply.header("WWW-Authenticate") == "Basic realm=\"r\"");
  CHECK(reply.header("Cache-Control") == "no-store");
  tokens.service.refuses = Code::too_many_requests;
  CHECK(tokens.send("POST /v2/token", {}, "grant_type=password&username=a&password=b").status() == 429);
  CHECK(tokens.send("DELETE /v2/token").header("Allow") == "GET, HEAD, POST");
}

TEST_CASE("/v2/token is below http.prefix, and nowhere without a token service") {
  CHECK(Tokens("/registry/").send("GET /registry/v2/token").status() == 200);
  Face face;
  for (const char* line : {"GET /v2/token", "POST /v2/token", "DELETE /v2/token"}) {
    const Reply reply = face.send(line);
    CHECK(reply.status() == 404);
    CHECK(reply.body() == face.send("GET /v2/nothing").body());
  }
}
