// What the pipeline does for every endpoint of every face, without a line in the endpoint: rights, read-only mode,
// events, counting.
#include <catch2/catch.hpp>

#include "api/debug/face.h"
#include "api/v1/endpoints.h"
#include "api/v2/endpoints.h"
#include "storage/uploads/file_uploads.h"
#include "storage/v1/tags.h"
#include "unit/api/face.h"

using namespace berth;
using namespace berth::test;

namespace {

// Lets nobody do anything while it is closed, and knows everybody with credentials as "alice".
class Gate final : public auth::AccessController {
public:
  std::expected<auth::Grant, auth::Refusal> authorize(const auth::Question& question) override {
    const auth::Credentials& from = question.credentials;
    asked.emplace_back(question.needed.begin(), question.needed.end());
    times.push_back(from.time);
    if (from.vouched != nullptr) vouched.push_back(from.vouched->user + "/" + from.vouched->stamp);
    const bool known = !from.authorization.empty() && from.authorization != "Basic wrong";
    if (closed || from.authorization == "Basic wrong")
      return std::unexpected(
          auth::Refusal{{known ? Code::denied : Code::unauthorized, {}, {}}, known ? "" : "Basic realm=\"r\""});
    auth::Grant grant{{known ? "alice" : "", known ? "s1" : ""}, may_pull};
    grant.good_until = std::chrono::sys_seconds::max();
    return grant;
  }

  bool closed = false;
  std::function<bool(const model::RepositoryName&)> may_pull;
  std::vector<std::vector<auth::Access>> asked;
  std::vector<Time> times;
  std::vector<std::string> vouched;
};

// Gives a token to everybody.
class Counter final : public auth::TokenService {
public:
  std::expected<auth::IssuedToken, auth::Refusal> issue(const auth::TokenRequest&) override {
    return auth::IssuedToken{"t", "", std::chrono::seconds(900), {}, {}};
  }
};

class Told final : public notify::Listener {
public:
  void record(const notify::Event& event) override {
    std::string line = std::string(name_of(event.action)) + " " + event.target.repository;
    if (!event.target.tag.empty()) line += ":" + event.target.tag;
    if (!event.target.digest.empty()) line += "@" + event.target.digest;
    lines.push_back(std::move(line));
    actors.push_back(event.actor);
  }
  std::vector<std::string> take() { return std::exchange(lines, {}); }

  std::vector<std::string> lines, actors;

private:
  static std::string_view name_of(notify::Action action) {
    switch (action) {
    case notify::Action::push: return "push";
    case notify::Action::pull: return "pull";
    case notify::Action::mount: return "mount";
    case notify::Action::remove: return "delete";
    }
    return "?";
  }
};

// Both faces over a store in memory, watched.
struct Watched {
  explicit Watched(api::Options options = default_options())
      : api({.registry = registry,
             .clock = clock,
             .logger = log,
             .v1 = api::V1Services{v1_images, v1_tags},
             .events = {&told, &random, {}, false},
             .access = &gate,
             .tokens = &tokens,
             .metrics = &metrics,
             .pulls =
                 [this](std::string_view authorization, const auth::Grant& grant, const std::string& repository) {
                   pulls.push_back(repository + " " + std::string(authorization) + (grant.good_until ? "" : " once"));
                 }},
            std::move(options)) {}

  Reply send(std::string_view line, const Fields& headers = {}, std::string body = {}) {
    return test::send(api, line, headers, std::move(body));
  }

  FixedClock clock;
  SystemRandom random;
  Lines log;
  AnyStore store{clock, random};
  driver::StorageDriver& driver = store.driver();
  driver::MemoryLocks locks;
  storage::UploadStore& uploads = store.uploads();
  storage::Registry registry{{driver, locks, uploads, nullptr, storage::ManifestRules::make({}).value(), random, log}};
  storage::Unpacking unpacking{storage::Unpacking::Limits{}};
  storage::V1Images v1_images{{driver, locks, registry, log, unpacking}};
  storage::V1Tags v1_tags{{driver, registry, v1_images, log, unpacking}};
  Told told;
  Gate gate;
  Counter tokens;
  api::debug::Metrics metrics;
  std::vector<std::string> pulls;
  api::Api api;
};

// A path that the pattern fits.
std::string path_of(std::string_view pattern) {
  std::string path(pattern);
  for (const auto& [parameter, value] : std::vector<std::pair<std::string, std::string>>{{"{name...}", "team/app"},
                                                                                         {"{reference}", "v1"},
                                                                                         {"{tag}", "v1"},
                                                                                         {"{digest}", digest_of("x")},
                                                                                         {"{id}", std::string(64, 'a')},
                                                                                         {"{user}", "alice"}})
    if (const std::size_t at = path.find(parameter); at != std::string::npos) path.replace(at, parameter.size(), value);
  return path;
}

template <class Each>
void for_each_endpoint(const Each& each) {
  for (const api::Endpoint& row : api::v2::endpoints()) each(row, std::string(row.method) + " " + path_of(row.pattern));
  for (const api::Endpoint& row : api::v1::endpoints()) each(row, std::string(row.method) + " " + path_of(row.pattern));
}

// As docker/distribution has it, whatever the row's own right is.
std::vector<auth::Access> needed_by(const api::Endpoint& row) {
  if (row.right == auth::Right::catalog) return {{"registry", "catalog", "*"}};
  if (!row.pattern.contains("{name...}")) return {};
  if (row.method == "GET") return {{"repository", "team/app", "pull"}};
  if (row.method == "DELETE") return {{"repository", "team/app", "delete"}};
  return {{"repository", "team/app", "pull"}, {"repository", "team/app", "push"}};
}

constexpr std::string_view layer = "not a tar, and not compressed";
const std::string image(64, 'b');
const std::string image_json = R"({"id":")" + image + R"(","os":"linux","architecture":"amd64"})";

void push_v1(Watched& face) {
  const Fields none;
  REQUIRE(face.send("PUT /v1/images/" + image + "/json", none, image_json).status() == 200);
  REQUIRE(face.send("PUT /v1/images/" + image + "/layer", none, std::string(layer)).status() == 200);
  const std::string sum = digest_of(image_json + "\n" + std::string(layer));
  REQUIRE(face.send("PUT /v1/images/" + image + "/checksum", {{"X-Docker-Checksum-Payload", sum}}).status() == 200);
}

bool has(const std::vector<std::string>& lines, const std::string& beginning) {
  return std::ranges::any_of(lines, [&](const std::string& line) { return line.starts_with(beginning); });
}

} // namespace

TEST_CASE("access control is asked before every endpoint that needs a right, of both faces") {
  Watched face;
  face.gate.closed = true;
  for_each_endpoint([&](const api::Endpoint& row, const std::string& line) {
    CAPTURE(line);
    face.gate.asked.clear();
    const int nobody = face.send(line).status(), somebody = face.send(line, {{"Authorization", "Basic x"}}).status();
    if (row.right == auth::Right::nothing) {
      CHECK(face.gate.asked.empty());
      CHECK(nobody != 401);
      return;
    }
    CHECK(nobody == 401);
    CHECK(somebody == 403);
    REQUIRE(face.gate.asked.size() == 2);
    CHECK(face.gate.asked[0] == needed_by(row));
  });
  CHECK(face.told.lines.empty());
}

TEST_CASE("a refusal has the challenge, and says what was needed as docker/distribution does") {
  Watched face;
  face.gate.closed = true;
  const Reply mount = face.send("POST /v2/team/app/blobs/uploads/?mount=" + digest_of("x") + "&from=other/repo");
  CHECK(mount.status() == 401);
  CHECK(mount.header("WWW-Authenticate") == "Basic realm=\"r\"");
  CHECK(mount.body() == R"({"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[)"
                        R"({"Type":"repository","Class":"","Name":"team/app","Action":"pull"},)"
                        R"({"Type":"repository","Class":"","Name":"team/app","Action":"push"},)"
                        R"({"Type":"repository","Class":"","Name":"other/repo","Action":"pull"}]}]})"
                        "\n");
  CHECK(face.send("GET /v2/").body() ==
        R"({"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]})"
        "\n");
  CHECK(face.send("PUT /v2/team/app/tags/list").status() == 401);
  CHECK(face.gate.asked.back().size() == 2);
  CHECK(face.send("OPTIONS /v2/team/app/tags/list").status() == 401);
  CHECK(face.gate.asked.back().empty());
  face.gate.closed = false;
  CHECK(face.send("PUT /v2/team/app/tags/list").status() == 405);
}

TEST_CASE("a mount from anywhere needs a caller who may pull from everywhere") {
  Watched face;
  REQUIRE(face.send("POST /v2/secret/app/blobs/uploads/?digest=" + digest_of("x"), {}, "x").status() == 201);
  face.gate.may_pull = [](const model::RepositoryName&) { return false; };
  CHECK(face.send("POST /v2/team/app/blobs/uploads/?mount=" + digest_of("x")).status() == 202);
  CHECK(face.send("HEAD /v2/team/app/blobs/" + digest_of("x")).status() == 404);
  CHECK(face.send("POST /v2/team/app/blobs/uploads/?from=secret/app&mount=" + digest_of("x")).status() == 202);
  CHECK(face.send("HEAD /v2/team/app/blobs/" + digest_of("x")).status() == 404);
  face.gate.may_pull = nullptr;
  CHECK(face.send("POST /v2/team/app/blobs/uploads/?mount=" + digest_of("x")).status() == 201);
}

TEST_CASE("a token of v1 stands for the user who was given it, with the stamp of that user's credential") {
  Watched face;
  const Reply given = face.send("PUT /v1/repositories/team/app/", {{"Authorization", "Basic x"}}, "[]");
  REQUIRE(given.status() == 200);
  const std::string token(given.header("X-Docker-Token"));
  CHECK(face.send("GET /v1/repositories/team/app/tags", {{"Authorization", token}}).status() == 404);
  CHECK(face.gate.vouched == std::vector<std::string>{"alice/s1"});
  std::string forged = token;
  forged.replace(forged.find("subject="), 12, "subject=\"Ym9");
  CHECK(face.send("GET /v1/repositories/team/app/tags", {{"Authorization", forged}}).status() == 401);
}

TEST_CASE("credentials that are wrong are refused by both faces, whatever they ask for") {
  Watched face;
  for_each_endpoint([&](const api::Endpoint& row, const std::string& line) {
    CAPTURE(line);
    if (row.right == auth::Right::nothing) return;
    CHECK(face.send(line, {{"Authorization", "Basic wrong"}}).status() == 401);
  });
}

TEST_CASE("a read-only registry refuses what changes something, of both faces, and says what is allowed") {
  api::Options options = default_options();
  options.read_only = true;
  Watched face(std::move(options));
  for_each_endpoint([&](const api::Endpoint& row, const std::string& line) {
    CAPTURE(line);
    const Reply reply = face.send(line);
    const bool refused = auth::changes(row.right) && row.method != "GET";
    CHECK((reply.status() == 405) == refused);
    CHECK(reply.response.headers.has("Allow") == refused);
  });
}

TEST_CASE("every endpoint is counted under its name") {
  Watched face;
  for_each_endpoint([&](const api::Endpoint& row, const std::string& line) {
    CAPTURE(line);
    const Reply reply = face.send(line);
    std::string method(row.method);
    std::ranges::transform(method, method.begin(), [](unsigned char c) { return std::tolower(c); });
    CHECK_THAT(face.metrics.page(),
               Catch::Contains("registry_http_requests_total{code=\"" + std::to_string(reply.status()) +
                               "\",handler=\"" + std::string(row.name) + "\",method=\"" + method + "\"}"));
  });
  face.send("GET /v2/nothing");
  CHECK_THAT(face.metrics.page(), Catch::Contains(R"({code="404",handler="other",method="get"})"));
}

TEST_CASE("a pull that was granted and answered is told, and nothing else is") {
  Watched face;
  const Fields alice{{"Authorization", "Basic x"}};
  for_each_endpoint([&](const api::Endpoint&, const std::string& line) { face.send(line, alice); });
  // Nothing is there; lists that are empty are no pulls.
  CHECK(face.pulls.empty());
  const std::string upload = "POST /v2/team/app/blobs/uploads/?digest=" + digest_of("x");
  REQUIRE(face.send(upload, alice, "x").status() == 201);
  CHECK(face.pulls.empty());
  const std::string blob = "/v2/team/app/blobs/" + digest_of("x");
  REQUIRE(face.send("GET " + blob, alice).status() == 200);
  REQUIRE(face.send("HEAD " + blob).status() == 200);
  CHECK(std::exchange(face.pulls, {}) == std::vector<std::string>{"team/app Basic x", "team/app "});
  REQUIRE(face.send("OPTIONS " + blob, alice).status() == 200);
  REQUIRE(face.send("GET /v2/team/other/blobs/" + digest_of("x"), alice).status() == 404);
  face.gate.closed = true;
  REQUIRE(face.send("GET " + blob, alice).status() != 200);
  face.gate.closed = false;
  REQUIRE(face.send("DELETE " + blob, alice).status() == 202);
  CHECK(face.pulls.empty());
}

TEST_CASE("405 and its Allow are the pipeline's, for both faces") {
  Watched face;
  for (const char* path : {"/v2/", "/v1/_ping", "/v2/_catalog", "/v1/search"}) {
    CAPTURE(path);
    const Reply reply = face.send(std::string("DELETE ") + path);
    CHECK(reply.status() == 405);
    CHECK(reply.header("Allow") == "GET, HEAD");
    CHECK(face.send(std::string("OPTIONS ") + path).status() == 200);
  }
}

TEST_CASE("a v1 push, pull and deletion are told as what they are in the store") {
  Watched face;
  push_v1(face);
  CHECK(face.told.take().empty()); // it is in no repository yet
  const Fields alice{{"Authorization", "Basic x"}};
  REQUIRE(face.send("PUT /v1/repositories/team/app/tags/v1", alice, '"' + image + '"').status() == 200);
  const auto pushed = face.told.take();
  CAPTURE(pushed);
  CHECK(has(pushed, "push team/app@" + digest_of(layer)));
  REQUIRE(has(pushed, "push team/app:v1@sha256:"));
  CHECK(std::ranges::all_of(face.told.actors, [](const std::string& actor) { return actor == "alice"; }));
  const std::string manifest = pushed.back().substr(pushed.back().find('@') + 1);
  CHECK(face.send("HEAD /v2/team/app/manifests/" + manifest).status() == 200);
  face.told.take();

  SECTION("pulls") {
    REQUIRE(face.send("GET /v1/repositories/team/app/tags/v1").status() == 200);
    CHECK(face.told.take() == std::vector<std::string>{"pull team/app:v1@" + manifest});
    REQUIRE(face.send("GET /v1/images/" + image + "/layer").status() == 200);
    CHECK(face.told.take() == std::vector<std::string>{"pull team/app@" + digest_of(layer)});
    const std::string token = face.send("GET /v1/repositories/team/app/images").header("X-Docker-Token");
    REQUIRE(face.send("GET /v1/images/" + image + "/layer", {{"Authorization", "Token " + token}}).status() == 200);
    CHECK(face.told.take() == std::vector<std::string>{"pull team/app@" + digest_of(layer)});
  }
  SECTION("a second tag on what is there") {
    REQUIRE(face.send("PUT /v1/repositories/team/app/tags/v2", {}, '"' + image + '"').status() == 200);
    CHECK(face.told.take() == std::vector<std::string>{"push team/app:v2@" + manifest});
  }
  SECTION("deletion") {
    REQUIRE(face.send("DELETE /v1/repositories/team/app/tags/v1").status() == 200);
    CHECK(face.told.take() == std::vector<std::string>{"delete team/app:v1"});
  }
}

TEST_CASE("the actor of an event is whom access control verified, and not whom the header names") {
  Watched face;
  const std::string push = "POST /v2/a/blobs/uploads/?digest=" + digest_of("x");
  REQUIRE(face.send(push, {{"Authorization", "Basic bWFsbG9yeTp4"}}, "x").status() == 201); // mallory:x
  CHECK(face.told.actors == std::vector<std::string>{"alice"});
}

TEST_CASE("a manifest is told once for each tag that it gets, or once without one") {
  Watched face;
  const std::string config = "{}";
  face.send("POST /v2/a/blobs/uploads/?digest=" + digest_of(config), {}, config);
  face.told.take();
  const std::string type = "application/vnd.oci.image.manifest.v1+json";
  const std::string bytes = R"({"schemaVersion":2,"mediaType":")" + type +
                            R"(","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":")" +
                            digest_of(config) + R"(","size":2},"layers":[]})";
  const std::string digest = digest_of(bytes);
  const auto put = [&](const std::string& reference) {
    REQUIRE(face.send("PUT /v2/a/manifests/" + reference, {{"Content-Type", type}}, bytes).status() == 201);
    return face.told.take();
  };
  CHECK(put("v1") == std::vector<std::string>{"push a:v1@" + digest});
  CHECK(put(digest) == std::vector<std::string>{"push a@" + digest});
  CHECK(put(digest + "?tag=x&tag=y") == std::vector<std::string>{"push a:x@" + digest, "push a:y@" + digest});
  REQUIRE(face.send("DELETE /v2/a/manifests/" + digest).status() == 202);
  auto gone = face.told.take();
  REQUIRE(gone.size() == 4);
  CHECK(gone.front() == "delete a@" + digest);
}
