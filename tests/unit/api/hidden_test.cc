// A repository that a caller may not read answers as one that is not there, byte for byte, on every endpoint of both
// faces: two registries, of which one has a repository more, are asked the same. A new endpoint is covered by its row.
#include <catch2/catch.hpp>

#include <array>

#include "api/readable.h"
#include "api/v1/endpoints.h"
#include "api/v2/endpoints.h"
#include "auth/rules.h"
#include "storage/uploads/file_uploads.h"
#include "storage/v1/tags.h"
#include "unit/api/face.h"

using namespace berth;
using namespace berth::test;

namespace {

using auth::Right;

// Bytes that can be repeated.
class Repeated final : public Random {
public:
  void fill(std::span<std::byte> bytes) override {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>((state_ = state_ * 6364136223846793005U + 1) >> 56);
  }
  void start_over() { state_ = 1; }

private:
  std::uint64_t state_ = 1;
};

// By rules, as berth.access has it. Whoever comes is believed: "Basic NAME".
class Gate final : public auth::AccessController {
public:
  explicit Gate(auth::Rules rules) : rules_(std::move(rules)) {}

  std::expected<auth::Grant, auth::Refusal> authorize(const auth::Question& question) override {
    const auth::Credentials& from = question.credentials;
    auth::Caller caller;
    if (from.vouched != nullptr)
      caller = *from.vouched;
    else if (from.authorization.starts_with("Basic "))
      caller.user = from.authorization.substr(6);
    if (!allows(question, caller))
      return std::unexpected(
          auth::Refusal{{caller.is_nobody() ? Code::unauthorized : Code::denied, {}, {}}, "Bearer realm=\"r\""});
    const bool moves = question.repository.empty() || rules_.of(caller, question.repository).push;
    return auth::Grant{caller,
                       [this, caller](const model::RepositoryName& name) { return rules_.of(caller, name.str()).pull; },
                       moves};
  }

private:
  bool allows(const auth::Question& question, const auth::Caller& caller) const {
    if (question.repository.empty()) return !auth::changes(question.right) || !caller.is_nobody();
    const auth::Rights rights = rules_.of(caller, question.repository);
    switch (question.right) {
    case Right::pull: return rights.pull;
    case Right::push: return rights.add;
    case Right::remove: return rights.remove;
    default: return true;
    }
  }

  const auth::Rules rules_;
};

auth::Rules rules() {
  const auto rule = [](std::string who, std::string repository, std::string may) {
    return auth::WrittenRule{"here", std::move(who), {std::move(repository)}, {std::move(may)}};
  };
  auth::WrittenRules written;
  written.rules = {rule("anyone", "public/**", "pull"), rule("user:bob", "own/**", "push"),
                   rule("user:adam", "own/**", "add"), rule("user:root", "**", "all")};
  return auth::Rules::make(written).value();
}

const std::string image_type = "application/vnd.oci.image.manifest.v1+json";
const std::string hidden_image(64, 'd'), no_image(64, 'e');
const Fields root{{"Authorization", "Basic root"}};

std::string manifest_of(const std::string& config, const std::string& subject = {}) {
  const std::string refers =
      subject.empty() ? ""
                      : R"(,"subject":{"mediaType":")" + image_type + R"(","digest":")" + subject + R"(","size":1})";
  return R"({"schemaVersion":2,"mediaType":")" + image_type +
         R"(","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":")" + digest_of(config) +
         R"(","size":)" + std::to_string(config.size()) + R"(},"layers":[])" + refers + "}";
}

struct World {
  World() {
    push("public/app", "{\"in\": \"public\"}");
    push("own/app", "{\"in\": \"own\"}");
  }

  Reply send(const std::string& line, const Fields& headers = {}, std::string body = {}) {
    random.start_over();
    return test::send(api, line, headers, std::move(body));
  }

  void push(const std::string& name, const std::string& config) {
    Fields typed = root;
    typed.emplace_back("Content-Type", image_type);
    REQUIRE(send("POST /v2/" + name + "/blobs/uploads/?digest=" + digest_of(config), root, config).status() == 201);
    REQUIRE(send("PUT /v2/" + name + "/manifests/v1", typed, manifest_of(config)).status() == 201);
    const std::string referrer = manifest_of(config, digest_of(manifest_of(config)));
    REQUIRE(send("PUT /v2/" + name + "/manifests/" + digest_of(referrer), typed, referrer).status() == 201);
  }

  // Everything that a repository can have. Answers with the id of an upload.
  std::string hide(const std::string& name, const std::string& config) {
    push(name, config);
    const std::string json = R"({"id":")" + hidden_image + R"(","os":"linux","architecture":"amd64"})";
    const std::string layer = "a layer of " + name;
    REQUIRE(send("PUT /v1/images/" + hidden_image + "/json", root, json).status() == 200);
    REQUIRE(send("PUT /v1/images/" + hidden_image + "/layer", root, layer).status() == 200);
    Fields sum = root;
    sum.emplace_back("X-Docker-Checksum-Payload", digest_of(json + "\n" + layer));
    REQUIRE(send("PUT /v1/images/" + hidden_image + "/checksum", sum).status() == 200);
    REQUIRE(send("PUT /v1/repositories/" + name + "/tags/old", root, '"' + hidden_image + '"').status() == 200);
    const Reply upload = send("POST /v2/" + name + "/blobs/uploads/", root);
    REQUIRE(upload.status() == 202);
    return upload.header("Docker-Upload-UUID");
  }

  FixedClock clock;
  Repeated random;
  Lines log;
  AnyStore store{clock, random};
  driver::StorageDriver& driver = store.driver();
  driver::MemoryLocks locks;
  storage::UploadStore& uploads = store.uploads();
  storage::Registry registry{{driver, locks, uploads, nullptr, storage::ManifestRules::make({}).value(), random, log}};
  storage::Unpacking unpacking{storage::Unpacking::Limits{}};
  storage::V1Images v1_images{{driver, locks, registry, log, unpacking}};
  storage::V1Tags v1_tags{{driver, registry, v1_images, log, unpacking}};
  Gate gate{rules()};
  api::Api api{
      {.registry = registry, .clock = clock, .logger = log, .v1 = api::V1Services{v1_images, v1_tags}, .access = &gate},
      default_options()};
};

// The paths that the pattern fits: every parameter in every value that is given for it.
std::vector<std::string> paths_of(std::string_view pattern,
                                  const std::map<std::string, std::vector<std::string>>& all) {
  std::vector<std::string> paths{std::string(pattern)};
  for (const auto& [parameter, values] : all) {
    std::vector<std::string> filled;
    for (const std::string& path : paths) {
      const std::size_t at = path.find(parameter);
      if (at == std::string::npos) {
        filled.push_back(path);
        continue;
      }
      for (const std::string& value : values) {
        filled.push_back(path);
        filled.back().replace(at, parameter.size(), value);
      }
    }
    paths = std::move(filled);
  }
  return paths;
}

// Status, headers and body, with one name in place of another.
std::string whole(const Reply& reply, const std::string& name = "", const std::string& instead = "") {
  std::string text = std::to_string(reply.status()) + "\n";
  for (const auto& [field, value] : reply.response.headers.fields()) text += field + ": " + value + "\n";
  text += std::to_string(reply.response.length_of_get.value_or(0)) + "\n" + reply.body();
  if (!name.empty())
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += instead.size())
      text.replace(at, name.size(), instead);
  return text;
}

const std::string config = "{\"in\": \"hidden\"}";

// What is in the repository that is hidden, what is in others, and what is nowhere.
std::map<std::string, std::vector<std::string>> values(const std::string& name, const std::string& upload) {
  const std::string manifest = digest_of(manifest_of(config));
  return {{"{name...}", {name}},
          {"{reference}", {"v1", "old", "none", manifest, digest_of("none")}},
          {"{tag}", {"v1", "old", "none"}},
          {"{digest}", {digest_of(config), manifest, digest_of("a layer of team/hidden"), digest_of("none")}},
          {"{id}", {upload, hidden_image, no_image}},
          {"{user}", {"bob"}}};
}

std::vector<api::Endpoint> all_endpoints() {
  std::vector<api::Endpoint> rows(api::v2::endpoints().begin(), api::v2::endpoints().end());
  rows.insert(rows.end(), api::v1::endpoints().begin(), api::v1::endpoints().end());
  return rows;
}

std::vector<std::string> methods_of(const api::Endpoint& row) {
  if (row.method == "GET") return {"GET", "HEAD", "OPTIONS", "TRACE"};
  return {std::string(row.method)};
}

const std::vector<Fields> callers{
    {}, {{"Authorization", "Basic carol"}}, {{"Authorization", "Basic bob"}}, {{"Authorization", "Basic adam"}}};

std::string body_for(const api::Endpoint& row, std::string_view path) {
  if (row.method == "GET" || row.method == "DELETE") return {};
  if (path.contains("/manifests/")) return manifest_of(config);
  if (path.contains("/tags/")) return '"' + hidden_image + '"';
  return "[]";
}

Fields with_type(Fields headers) {
  headers.emplace_back("Content-Type", image_type);
  return headers;
}

} // namespace

TEST_CASE("a hidden repository answers as one that is not there, on every endpoint of both faces") {
  World world;
  const std::string upload = world.hide("team/hidden", config);
  std::size_t compared = 0;
  for (const api::Endpoint& row : all_endpoints()) {
    if (!row.pattern.contains("{name...}")) continue;
    const auto hidden = paths_of(row.pattern, values("team/hidden", upload));
    const auto absent = paths_of(row.pattern, values("team/absent", upload));
    for (std::size_t i = 0; i < hidden.size(); ++i)
      for (const std::string& method : methods_of(row))
        for (const Fields& caller : callers) {
          CAPTURE(method, hidden[i], caller);
          const std::string body = body_for(row, hidden[i]);
          const Reply there = world.send(method + " " + hidden[i], with_type(caller), body);
          const Reply not_there = world.send(method + " " + absent[i], with_type(caller), body);
          CHECK(whole(there, "team/hidden", "team/absent") == whole(not_there));
          CHECK((there.status() == 401 || there.status() == 403 || method == "OPTIONS" || method == "TRACE"));
          ++compared;
        }
  }
  CHECK(compared > 500);
}

TEST_CASE("what is hidden changes no answer about anything else, on any endpoint of either face") {
  World with, without;
  const std::string upload = with.hide("team/hidden", config);
  with.push("a/hidden", config); // before everything else in a list
  const auto compare = [&](const api::Endpoint& row, const std::string& line, const Fields& caller) {
    CAPTURE(line, caller);
    const std::string body = body_for(row, line);
    const Reply one = with.send(line, with_type(caller), body), other = without.send(line, with_type(caller), body);
    CHECK(whole(one) == whole(other));
  };
  for (const api::Endpoint& row : all_endpoints())
    for (const char* name : {"own/app", "public/app", "own/new"})
      for (const std::string& path : paths_of(row.pattern, values(name, upload))) {
        // The ids of v1 images are no secrets, and are the same in every repository: a push of one says if it is there.
        if (row.pattern.starts_with("/v1/images/") && row.method == "PUT" && path.contains(hidden_image)) continue;
        if (path.contains(upload)) continue; // the same random number for another upload
        for (const std::string& method : methods_of(row))
          for (const Fields& caller : callers) {
            compare(row, method + " " + path, caller);
            if (row.method != "GET" || row.pattern.contains("{")) continue;
            for (const char* query :
                 {"?n=1", "?n=2", "?n=1&last=a", "?n=1&last=public", "?last=a/hidden", "?q=hidden", "?q=app"})
              compare(row, method + " " + path + query, caller);
          }
      }
}

TEST_CASE("a mount from a repository that is hidden, or from none, is an upload as from one that is not there") {
  World with, without;
  with.hide("team/hidden", config);
  const Fields bob{{"Authorization", "Basic bob"}};
  for (const std::string query : {"&from=team/hidden", "&from=team/absent", "", "&from=own/app", "&from=public/app"})
    for (const std::string& digest : {digest_of(config), digest_of("none"), digest_of(manifest_of(config))}) {
      CAPTURE(query, digest);
      const std::string line = "POST /v2/own/app/blobs/uploads/?mount=" + digest + query;
      const Reply one = with.send(line, bob), other = without.send(line, bob);
      CHECK(one.status() == 202);
      CHECK(whole(one) == whole(other));
    }
  const std::string shown = digest_of("{\"in\": \"public\"}");
  for (const std::string query : {"&from=public/app", ""}) {
    const std::string name = query.empty() ? "own/second" : "own/first";
    CHECK(with.send("HEAD /v2/" + name + "/blobs/" + shown, bob).status() == 404);
    CHECK(with.send("POST /v2/" + name + "/blobs/uploads/?mount=" + shown + query, bob).status() == 201);
    CHECK(with.send("HEAD /v2/" + name + "/blobs/" + shown, bob).status() == 200);
  }
}

TEST_CASE("the catalog shows what the caller may pull, in pages that count and name nothing else") {
  World world;
  for (const char* name : {"a/hidden", "own/hidden", "own/z", "public/b", "zz/hidden"}) world.push(name, config);
  const auto page = [&](const std::string& query, const std::string& who) {
    const Reply reply = world.send("GET /v2/_catalog" + query, {{"Authorization", "Basic " + who}});
    REQUIRE(reply.status() == 200);
    return reply.body() + reply.header("Link");
  };
  CHECK(page("", "carol") == "{\"repositories\":[\"public/app\",\"public/b\"]}\n");
  CHECK(page("?n=1", "carol") ==
        "{\"repositories\":[\"public/app\"]}\n</v2/_catalog?last=public%2Fapp&n=1>; rel=\"next\"");
  CHECK(page("?n=1&last=public/app", "carol") == "{\"repositories\":[\"public/b\"]}\n");
  CHECK(page("?n=2", "carol") == "{\"repositories\":[\"public/app\",\"public/b\"]}\n");
  CHECK(page("", "bob") == "{\"repositories\":[\"own/app\",\"own/hidden\",\"own/z\",\"public/app\",\"public/b\"]}\n");
  CHECK(page("?last=zz/hidden", "bob") == "{\"repositories\":[]}\n");
  CHECK(page("", "root").contains("zz/hidden"));
  const Reply found = world.send("GET /v1/search?q=hidden", {{"Authorization", "Basic bob"}});
  CHECK(found.mentions("\"num_results\":1,"));
  CHECK(found.mentions("own/hidden"));
}

TEST_CASE("a page of what can be read is short after some thousand names, and goes on where it ended") {
  // N names of five digits; only some are shown.
  class Many final : public registry::Registry {
  public:
    std::unique_ptr<registry::Repository> repository(const model::RepositoryName&) override { return nullptr; }
    Result<registry::Page> repositories(const registry::PageRequest& request) override {
      registry::Page page;
      const std::size_t first = request.last.empty() ? 0 : std::stoul(request.last.substr(1)) + 1;
      for (std::size_t i = first; i < count; ++i) {
        if (page.more = page.entries.size() == request.limit; page.more) break;
        page.entries.push_back(name(i));
      }
      return page;
    }
    static std::string name(std::size_t i) { return "r" + std::to_string(1'000'000 + i).substr(1); }
    std::size_t count = 30'000;
  } many;
  std::set<std::string> shown{Many::name(7), Many::name(9'000), Many::name(9'001), Many::name(29'999)};
  const registry::MayRead may_read = [&](const model::RepositoryName& name) -> Result<bool> {
    return shown.contains(name.str());
  };
  std::vector<std::string> pages;
  registry::PageRequest request{{}, 3};
  for (bool more = true; more;) {
    const auto page = api::readable_repositories(many, may_read, request);
    REQUIRE(page);
    more = page->more;
    std::string line;
    for (const std::string& name : page->entries) line += name + " ";
    pages.push_back(line);
    if (more) {
      REQUIRE_FALSE(page->entries.empty());
      request.last = page->entries.back();
    }
  }
  CHECK(pages == std::vector<std::string>{"r000007 ", "r009000 r009001 ", "r029999 "});
  shown.clear();
  many.count = 900'000;
  const auto nothing = api::readable_repositories(many, may_read, {{}, 3});
  REQUIRE(nothing);
  CHECK((nothing->entries.empty() && !nothing->more));
}

TEST_CASE("who may add moves no tag, on either face") {
  World world;
  const Fields adam{{"Authorization", "Basic adam"}}, bob{{"Authorization", "Basic bob"}};
  const std::string first = manifest_of("{\"in\": \"own\"}"), second = manifest_of("{\"in\": \"own\"}", digest_of("x"));
  const auto put = [&](const std::string& reference, const std::string& bytes, const Fields& who) {
    return world.send("PUT /v2/own/app/manifests/" + reference, with_type(who), bytes);
  };
  const auto target = [&](const std::string& tag) {
    return world.send("HEAD /v2/own/app/manifests/" + tag, bob).header("Docker-Content-Digest");
  };
  CHECK(put("v1", first, adam).status() == 201); // what it names already
  const Reply refused = put("v1", second, adam);
  CHECK(refused.status() == 403);
  CHECK(refused.code() == "DENIED");
  CHECK(refused.mentions("the tag v1 exists, and you may add tags only"));
  CHECK(target("v1") == digest_of(first));
  CHECK(put("v2", second, adam).status() == 201);
  CHECK(put(digest_of(second) + "?tag=v3", second, adam).status() == 201);
  CHECK(put(digest_of(second) + "?tag=v1", second, adam).status() == 403);
  CHECK(target("v1") == digest_of(first));
  CHECK(put("v1", second, bob).status() == 201);
  CHECK(target("v1") == digest_of(second));
  for (const char* path : {"manifests/v2", "manifests/none"})
    CHECK(world.send(std::string("DELETE /v2/own/app/") + path, adam).status() == 403);

  const std::string image(64, 'a'), json = R"({"id":")" + image + R"(","os":"linux","architecture":"amd64"})";
  REQUIRE(world.send("PUT /v1/images/" + image + "/json", adam, json).status() == 200);
  REQUIRE(world.send("PUT /v1/images/" + image + "/layer", adam, "layer").status() == 200);
  Fields sum = adam;
  sum.emplace_back("X-Docker-Checksum-Payload", digest_of(json + "\nlayer"));
  REQUIRE(world.send("PUT /v1/images/" + image + "/checksum", sum).status() == 200);
  const auto tag = [&](const std::string& name, const Fields& who) {
    return world.send("PUT /v1/repositories/own/app/tags/" + name, who, '"' + image + '"');
  };
  CHECK(tag("old", adam).status() == 200);
  CHECK(tag("old", adam).status() == 200);
  const Reply moved = tag("v1", adam);
  CHECK(moved.status() == 403);
  CHECK(moved.mentions("the tag v1 exists, and you may add tags only"));
  CHECK(tag("v1", bob).status() == 200);
}
