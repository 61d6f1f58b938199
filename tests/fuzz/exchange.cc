// Whole requests against a registry in memory, one after another. Input: requests as HTTP writes them, "METHOD TARGET",
// headers, an empty line, a body; a line `===` between two. So that a conversation survives the fuzzer, there stand in
// place of what it could not guess:
//   @ before a target   the path of the last Location
//   {digest} in a target  the digest of the body
//   {last} in a body      the last Docker-Content-Digest
#include <nlohmann/json.hpp>

#include <algorithm>

#include "api/api.h"
#include "fuzz/oracle.h"
#include "http/headers.h"
#include "http/url.h"
#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

constexpr int max_requests = 16;

std::string with(std::string_view text, std::string_view placeholder, const std::string& value) {
  std::string result(text);
  if (const std::size_t at = result.find(placeholder); at != std::string::npos)
    result.replace(at, placeholder.size(), value);
  return result;
}

std::string_view take_request(std::string_view& input) {
  constexpr std::string_view separator = "\n===\n";
  const std::size_t end = input.find(separator);
  const std::string_view request = input.substr(0, end);
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + separator.size());
  return request;
}

// nginx lets no control characters through, in a target no spaces either.
bool passes_nginx(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

class Conversation {
public:
  Conversation()
      : api_(store_.registry, options(), store_.clock, store_.logger),
        neighbour_({store_.driver, store_.locks, store_.uploads, nullptr, storage::ManifestRules::make({}).value(),
                    store_.random, store_.logger}),
        neighbours_api_(neighbour_, options(), store_.clock, store_.logger) {}

  void say(std::string_view text) {
    std::string_view rest = text;
    std::string_view line = take_line(rest);
    http::Request request;
    request.method = take_until(' ', line);
    if (request.method.empty() || !passes_nginx(line) || line.find(' ') != std::string_view::npos) return;
    std::string target(line);
    if (target.starts_with('@')) target = location_ + target.substr(1);
    if (!target.starts_with('/')) return;
    for (line = take_line(rest); !line.empty(); line = take_line(rest)) {
      const std::string_view name = take_until(':', line);
      if (passes_nginx(name) && passes_nginx(line))
        request.headers.add(std::string(name), std::string(http::trim(line)));
    }
    const std::string body = with(rest, "{last}", last_digest_);
    request.target = with(target, "{digest}", test::digest_of(body).str());
    request.content_length = body.size();
    request.body = Content::of(body);
    answer(request, body);
  }

  void check_store() {
    const std::string blobs = "/docker/registry/v2/blobs/sha256";
    for (const std::string& prefix : names_in(blobs))
      for (const std::string& hex : names_in(blobs + "/" + prefix))
        require(test::digest_of(store_.content(blobs + "/" + prefix + "/" + hex + "/data")).hex() == hex);
  }

private:
  std::vector<std::string> names_in(const std::string& directory) {
    return driver::names_in(store_.driver, directory).value_or(std::vector<std::string>());
  }

  static api::Options options() {
    api::Options options;
    options.secret = "fuzz";
    options.delete_enabled = true;
    return options;
  }

  void answer(http::Request& request, const std::string& body) {
    const http::Response response = api_.handle(request);
    check_response(request, response);
    if (response.headers.has("Docker-Content-Digest")) last_digest_ = response.headers.get("Docker-Content-Digest");
    if (const std::string_view location = response.headers.get("Location"); !location.empty())
      location_ = location.substr(std::min(location.find("/v2/"), location.size()));
    if (response.status == 201) check_created(request, response, body);
  }

  void check_response(const http::Request& request, const http::Response& response) {
    require(response.status >= 200 && response.status < 500); // nothing a client says is our fault
    for (const auto& [name, value] : response.headers.fields()) require(passes_nginx(name) && passes_nginx(value));
    const std::string bytes = content_of(response);
    if (request.method == "HEAD") return require(bytes.empty() && response.length_of_get.has_value());
    if (response.headers.get("Content-Type").starts_with("application/json"))
      check_json(response, bytes);
    else
      require(response.status < 400 || !response.headers.has("Docker-Distribution-Api-Version"));
    const std::string_view digest = response.headers.get("Docker-Content-Digest");
    if (request.method == "GET" && response.status == 200 && !digest.empty()) require(has_digest(bytes, digest));
  }

  std::string content_of(const http::Response& response) {
    const auto* file = std::get_if<http::StoreFile>(&response.body);
    if (file == nullptr) return std::get<std::string>(response.body);
    require(driver::is_path(file->path) && file->path.starts_with("/docker/registry/v2/blobs/"));
    return store_.content(file->path);
  }

  static void check_json(const http::Response& response, const std::string& bytes) {
    const auto document = nlohmann::json::parse(bytes, nullptr, false);
    require(document.is_object());
    if (response.status < 400) return;
    require(document.contains("errors") && document["errors"].is_array() && !document["errors"].empty());
    for (const auto& error : document["errors"]) require(error["code"].is_string() && error["message"].is_string());
  }

  // What was answered 201 is there for whoever asks, also at another pool, which remembers nothing.
  void check_created(const http::Request& created, const http::Response& response, const std::string& body) {
    const bool is_manifest = http::split_target(created.target).path.find("/manifests/") != std::string_view::npos;
    http::Request request;
    request.method = "GET";
    request.target = location_;
    for (api::Api* api : {&api_, &neighbours_api_}) {
      const http::Response found = api->handle(request);
      require(found.status == 200);
      require(found.headers.get("Docker-Content-Digest") == response.headers.get("Docker-Content-Digest"));
      const std::string bytes = content_of(found);
      if (is_manifest)
        require(bytes == body);
      else
        check_digest(bytes, created);
    }
  }

  // A blob is what the client called it.
  static void check_digest(const std::string& bytes, const http::Request& created) {
    const auto query = http::Query::parse(http::split_target(created.target).query);
    require(has_digest(bytes, query.get("digest")) || has_digest(bytes, query.get("mount")));
  }

  static bool has_digest(const std::string& bytes, std::string_view text) {
    const auto digest = model::Digest::parse(text);
    if (!digest) return false;
    model::Digester digester(digest->algorithm());
    digester.update(as_bytes(bytes));
    return digester.finish() == *digest;
  }

  test::Fixture store_;
  api::Api api_;
  storage::Registry neighbour_; // on the same store
  api::Api neighbours_api_;
  std::string location_;
  std::string last_digest_;
};

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Conversation conversation;
  std::string_view input = text_of(bytes, size);
  for (int i = 0; i < max_requests && !input.empty(); ++i) conversation.say(take_request(input));
  conversation.check_store();
  return 0;
}
