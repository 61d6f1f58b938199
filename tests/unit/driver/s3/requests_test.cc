// What becomes of a store's answers: asked again, corrected, or an error in words.
#include "driver/s3/requests.h"

#include <catch2/catch.hpp>

#include <map>

#include "driver/s3/bucket.h"
#include "unit/http_server.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::driver::s3;
using test::reply;
using test::Server;

namespace {

constexpr const char* secret = "the/secret+key";

class AClock final : public Clock {
public:
  Time now() const override { return parse_rfc3339("2026-03-04T05:06:07Z").value(); }
};

class Store {
public:
  explicit Store(const Server& server) : requests(options_for(server), *credentials, clock, random, logger) {}

  static Options options_for(const Server& server) {
    Options options;
    options.bucket = "images";
    options.region = "eu-central-1";
    options.endpoint = server.url("");
    options.path_style = true;
    return options;
  }

  AClock clock;
  SystemRandom random;
  NullLogger logger;
  std::unique_ptr<CredentialSource> credentials = *find_credentials({"AKEXAMPLE", secret, ""}, nullptr);
  Requests requests;
  Bucket bucket{requests};
};

std::string error(const std::string& code, const std::string& more = "") {
  return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>what the store says</Message>" + more +
         "</Error>";
}

} // namespace

TEST_CASE("what may pass is asked again, three times in all") {
  int failures = 2;
  Server server([&](const auto&) { return failures-- > 0 ? reply(503, error("SlowDown")) : reply(200, "bytes"); });
  Store store(server);
  CHECK(store.bucket.get("key", 10).value() == "bytes");
  CHECK(server.requests().size() == 3);
  failures = 100;
  const auto refused = store.bucket.get("key", 10);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::unavailable);
  CHECK(server.requests().size() == 6);
}

TEST_CASE("what must not be done twice is asked again only if the store refused to look at it") {
  int status = 500;
  Server server([&](const auto&) { return reply(status, error("InternalError")); });
  Store store(server);
  CHECK_FALSE(store.bucket.put_if("key", "bytes", std::nullopt));
  CHECK(server.requests().size() == 1);
  status = 503;
  CHECK_FALSE(store.bucket.put_if("key", "bytes", std::nullopt));
  CHECK(server.requests().size() == 4);
}

TEST_CASE("a refusal is not asked again, and is told in words without a secret") {
  struct Said {
    int status;
    std::string body;
    Code code;
    std::string_view words;
  };
  for (const Said& said : {
           Said{404, error("NoSuchKey"), Code::not_found, "NoSuchKey"},
           Said{404, error("NoSuchBucket"), Code::io, "storage.s3.bucket: \"images\": there is no such bucket"},
           Said{403, error("InvalidAccessKeyId"), Code::io, "does not take the credentials: InvalidAccessKeyId"},
           Said{403, error("SignatureDoesNotMatch", "<StringToSign>x</StringToSign>"), Code::io,
                "does not take the credentials: SignatureDoesNotMatch"},
           Said{403, error("AccessDenied"), Code::io, "a right is missing"},
           Said{400, error("AuthorizationHeaderMalformed", "<Region>us-west-2</Region>"), Code::io,
                "storage.s3.region: \"eu-central-1\": the store does not take it: it says us-west-2"},
           Said{404, error("XAdminUserNotFound"), Code::io, "does not take the credentials"},
           Said{404, error("Unheard"), Code::io, "answered 404 Unheard"},
           Said{412, error("PreconditionFailed"), Code::busy, ""},
           Said{507, "", Code::storage_full, ""},
           Said{400, "no XML at all <", Code::io, "answered 400"},
       }) {
    CAPTURE(said.body);
    Server server([&](const auto&) { return reply(said.status, said.body); });
    Store store(server);
    const auto refused = store.bucket.get("docker/registry/v2/x", 10);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == said.code);
    CHECK_THAT(refused.error().message, Catch::Contains(std::string(said.words)));
    CHECK(server.requests().size() == 1);
    CHECK(server.requests()[0].find(secret) == std::string::npos);
    CHECK(server.requests()[0].starts_with("GET /images/docker/registry/v2/x HTTP"));
  }
}

TEST_CASE("a clock that is off is corrected by the store's, once") {
  Server server([&](const std::string& request) {
    const bool is_right = request.find("x-amz-date: 20260304T0906") != std::string::npos;
    return is_right ? reply(200, "bytes")
                    : reply(403, error("RequestTimeTooSkewed"), "Date: Wed, 04 Mar 2026 09:06:07 GMT\r\n");
  });
  Store store(server);
  CHECK(store.bucket.get("key", 10).value() == "bytes");
  CHECK(store.bucket.get("key", 10).value() == "bytes");
  CHECK(server.requests().size() == 3);
  CHECK(store.bucket.url_of("key")->find("X-Amz-Date=20260304T090500Z") != std::string::npos);
}

TEST_CASE("200 is no success for a copy whose document is an error") {
  Server server([&](const auto&) { return reply(200, "   \n" + error("InternalError")); });
  Store store(server);
  CHECK_FALSE(store.bucket.copy("from", {.size = 3, .etag = "\"e\"", .changed = {}}, "to"));
}

TEST_CASE("a server that is not there is unavailable, and one that answers too much is cut") {
  std::string url;
  Options options;
  {
    const Server gone([](const auto&) { return std::string(); });
    options = Store::options_for(gone);
  }
  AClock clock;
  SystemRandom random;
  NullLogger logger;
  const auto credentials = *find_credentials({"AKEXAMPLE", secret, ""}, nullptr);
  Requests requests(options, *credentials, clock, random, logger);
  CHECK(Bucket(requests).get("key", 10).error().code == Code::unavailable);
  Server large([](const auto&) { return reply(200, std::string(100'000, 'x')); });
  Store store(large);
  CHECK(store.bucket.get("key", 99'999).error().code == Code::size_invalid);
  CHECK(store.bucket.get("key", 100'000)->size() == 100'000);
  CHECK(store.bucket.get("key", 10).error().code == Code::size_invalid);
}

TEST_CASE("where requests go, and where clients are sent") {
  Options options;
  options.bucket = "images";
  options.region = "eu-central-1";
  CHECK(address_of(options).origin == "https://images.s3.eu-central-1.amazonaws.com");
  CHECK(address_of(options).path_prefix.empty());
  options.dual_stack = true;
  CHECK(address_of(options).host == "images.s3.dualstack.eu-central-1.amazonaws.com");
  options.dual_stack = false;
  options.accelerate = true;
  CHECK(address_of(options).host == "images.s3-accelerate.amazonaws.com");
  options.accelerate = false;
  options.bucket = "my.images"; // no certificate is good for it before the host
  CHECK(address_of(options).host == "s3.eu-central-1.amazonaws.com");
  CHECK(address_of(options).path_prefix == "/my.images");
  options.bucket = "images";
  options.path_style = true;
  for (const auto& [endpoint, origin] : {std::pair("store:9000", "https://store:9000"),
                                         {"http://store:80", "http://store"},
                                         {"https://store:443/", "https://store"},
                                         {"http://[::1]:9000", "http://[::1]:9000"}}) {
    options.endpoint = endpoint;
    CHECK(address_of(options).origin == origin);
    CHECK(address_of(options).path_prefix == "/images");
  }
  options.redirect_endpoint = "https://outside.example";
  CHECK(redirect_address_of(options).origin == "https://outside.example");
}

TEST_CASE("credentials are looked for in variables and in a file, and are told to be nowhere") {
  std::map<std::string, std::string> set;
  const auto variables = [&](const char* name) { return set[name]; };
  const auto who = [&](const Credentials& given = {}) {
    const auto found = find_credentials(given, variables);
    return found ? (*found)->now(Time())->access_key : found.error().message;
  };
  CHECK_THAT(who(), Catch::Contains("no credentials"));
  test::TempDir dir;
  set["HOME"] = dir.path();
  CHECK_THAT(who(), Catch::Contains(dir.path() + "/.aws/credentials, profile [default]"));
  set["AWS_SHARED_CREDENTIALS_FILE"] = dir.write("keys", "# mine\n[default]\naws_access_key_id = of-file\r\n"
                                                         "aws_secret_access_key=s\n\n[other]\n"
                                                         "aws_access_key_id=of-other\naws_secret_access_key = t\n"
                                                         "[half]\naws_access_key_id=x\n");
  CHECK(who() == "of-file");
  set["AWS_PROFILE"] = "other";
  CHECK(who() == "of-other");
  set["AWS_PROFILE"] = "half";
  CHECK_THAT(who(), Catch::Contains("no profile [half]"));
  set["AWS_SHARED_CREDENTIALS_FILE"] = dir.path() + "/nowhere";
  CHECK_THAT(who(), Catch::Contains("nowhere"));
  set["AWS_ACCESS_KEY_ID"] = "of-environment";
  set["AWS_SECRET_ACCESS_KEY"] = "u";
  CHECK(who() == "of-environment");
  CHECK(who({"given", "v", ""}) == "given");
}
