// Pages and deletions, against a server that says what the test wants; tests/contract/ asks a real one.
#include "driver/s3/s3_driver.h"

#include <catch2/catch.hpp>

#include "unit/http_server.h"

using namespace berth;
using namespace berth::driver;
using namespace berth::driver::s3;
using test::reply;
using test::Server;

namespace {

class Store {
public:
  explicit Store(const Server& server) : requests(options_for(server), *credentials, clock, random, logger) {}

  static Options options_for(const Server& server) {
    Options options;
    options.bucket = "images";
    options.region = "r";
    options.endpoint = server.url("");
    options.path_style = true;
    return options;
  }

  SystemClock clock;
  SystemRandom random;
  NullLogger logger;
  std::unique_ptr<CredentialSource> credentials = *find_credentials({"AK", "secret", ""}, nullptr);
  Requests requests;
  Bucket bucket{requests};
  S3Driver driver{bucket, "root"};
};

// A page of a list: names of directories, in the store's order, and the token of the next page.
std::string page(const std::vector<std::string>& names, const std::string& next) {
  std::string text = "<ListBucketResult><IsTruncated>" + std::string(next.empty() ? "false" : "true") +
                     "</IsTruncated><NextContinuationToken>" + next + "</NextContinuationToken>";
  for (const std::string& name : names)
    text += "<CommonPrefixes><Prefix>root/d/" + name + "/</Prefix></CommonPrefixes>";
  return text + "</ListBucketResult>";
}

std::vector<std::string> names_of(const Result<std::vector<Entry>>& entries) {
  REQUIRE(entries);
  std::vector<std::string> names;
  for (const Entry& entry : *entries) names.push_back(entry.name);
  return names;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a page is cut where no name that is still to come can be before its end") {
  Server server([](const std::string& request) {
    if (has(request, "continuation-token=two")) return reply(200, page({"1.2", "2"}, "three"));
    if (has(request, "continuation-token=three")) return reply(200, page({"3"}, ""));
    return reply(200, page({"1-0", "1.2-alpine"}, "two"));
  });
  Store store(server);
  CHECK(names_of(store.driver.list("/d", "", 1)) == std::vector<std::string>{"1-0"}); // `1` may come, and did not
  CHECK(server.requests().size() == 2);
  CHECK(names_of(store.driver.list("/d", "", 2)) == std::vector<std::string>{"1-0", "1.2"});
  CHECK(server.requests().size() == 4);
  CHECK(names_of(store.driver.list("/d", "", no_limit)) ==
        std::vector<std::string>{"1-0", "1.2", "1.2-alpine", "2", "3"});
  CHECK(server.requests().size() == 7);
  CHECK(has(server.requests()[0], "GET /images?delimiter=%2F&list-type=2&max-keys=1000&prefix=root%2Fd%2F HTTP"));
}

TEST_CASE("names that no path can have are left out of a list, and a directory without names is one") {
  Server server([](const std::string& request) {
    if (has(request, "prefix=root%2Fe%2F")) return reply(200, "<ListBucketResult></ListBucketResult>");
    return reply(200,
                 "<ListBucketResult><Contents><Key>root/d/</Key></Contents><Contents><Key>root/d/a b</Key></Contents>"
                 "</ListBucketResult>");
  });
  Store store(server);
  CHECK(names_of(store.driver.list("/d", "", no_limit)).empty());
  CHECK(store.driver.list("/e", "", no_limit).error().code == Code::not_found);
  CHECK(store.driver.list("/e", "after", no_limit).error().code == Code::not_found);
}

TEST_CASE("many are deleted at once, or one by one where the store cannot, and what is not is told") {
  const std::string two = "<ListBucketResult><Contents><Key>root/d/a</Key></Contents><Contents><Key>root/d/b</Key>"
                          "</Contents></ListBucketResult>";
  std::string answer = "<DeleteResult></DeleteResult>";
  int status = 200;
  Server server([&](const std::string& request) {
    if (request.starts_with("POST")) return reply(status, answer);
    if (request.starts_with("DELETE")) return reply(204, "");
    return reply(200, two);
  });
  Store store(server);
  REQUIRE(store.driver.discard("/d"));
  CHECK(server.requests().size() == 2);
  CHECK(has(server.requests()[1], "<Object><Key>root/d/a</Key></Object><Object><Key>root/d/b</Key></Object>"));
  answer = "<DeleteResult><Error><Key>root/d/b</Key><Code>AccessDenied</Code></Error></DeleteResult>";
  const auto refused = store.driver.discard("/d");
  REQUIRE_FALSE(refused);
  CHECK(has(refused.error().message, "root/d/b"));
  CHECK(has(refused.error().message, "AccessDenied"));
  status = 501;
  REQUIRE(store.driver.discard("/d"));
  CHECK(server.requests().back().starts_with("DELETE /images/root/d/b "));
}

TEST_CASE("an answer that is no list is an error, and no empty directory") {
  for (const std::string text :
       {"", "<html>", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"}) {
    CAPTURE(text);
    Server server([&](const auto&) { return reply(200, text); });
    Store store(server);
    const auto listed = store.driver.list("/d", "", no_limit);
    REQUIRE_FALSE(listed);
    CHECK(listed.error().code == Code::corrupt);
  }
}
