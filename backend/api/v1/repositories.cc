// /v1/repositories/<name>: what the index of the v1 API knows: announcing a push and ending it, the images of a
// repository, and the token that goes with either.
#include <nlohmann/json.hpp>
#include <set>

#include "api/locations.h"
#include "api/v1/endpoints.h"

namespace berth::api::v1 {
namespace {

// Where the images are, as a client has to write it after its own scheme: here. Without a host in the request there is
// none, and the client takes the host it has.
std::string endpoint_of(const Call& call) {
  const std::string url = Locations(call.services.options, call.request).absolute("");
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return std::string(call.header("Host"));
  const std::size_t host = scheme + 3;
  return url.substr(host, url.find('/', host) - host);
}

void add_token(const Call& call, TokenAccess access, http::Response& response) {
  const std::string token = call.services.v1_tokens.sign({call.repository->name().str(), access, call.caller});
  response.headers.add("X-Docker-Token", token);
  response.headers.add("WWW-Authenticate", token);
  response.headers.add("X-Docker-Endpoints", endpoint_of(call));
}

// The list of images in a PUT. What is in it says nothing that the pushes that follow do not say.
Result<> check_image_list(const Call& call) {
  BERTH_TRY(const std::string body, read_body(call));
  const auto list = nlohmann::json::parse(body, nullptr, false);
  if (!list.is_array()) return fail(Code::bad_request, "Error Decoding JSON");
  for (const auto& entry : list)
    if (!entry.is_object() || !entry.contains("id")) return fail(Code::bad_request, "Error Decoding JSON");
  return {};
}

template <class T>
bool is_no_repository(const Result<T>& result) {
  return !result && is(result.error(), Code::name_unknown);
}

} // namespace

Outcome put_repository(Call& call) {
  BERTH_CHECK(check_image_list(call));
  http::Response response = json_reply("\"\"");
  add_token(call, TokenAccess::write, response);
  return response;
}

Outcome put_images(Call& call) {
  BERTH_CHECK(check_image_list(call));
  http::Response response = json_reply("", 204);
  add_token(call, TokenAccess::write, response);
  return response;
}

Outcome get_images(Call& call) {
  const auto tags = call.services.v1_tags->list(*call.repository, call.request.client_is_gone);
  if (is_no_repository(tags)) return fail(Code::image_unknown, "images not found");
  BERTH_CHECK(tags);
  std::set<std::string> seen;
  auto images = nlohmann::ordered_json::array();
  for (const auto& [tag, top] : *tags) {
    std::optional<model::ImageId> id = top;
    while (id && seen.insert(id->str()).second) { // ends where another tag's chain went on
      images.push_back({{"id", id->str()}});
      const auto image = call.services.v1_images->find(*id, call.may_read);
      if (!image) break; // removed meanwhile; the list need not be complete
      if (!image->checksums.empty()) images.back()["checksum"] = image->checksums.front();
      id = image->parent;
    }
  }
  http::Response response = json_reply(images.dump());
  add_token(call, TokenAccess::read, response);
  return response;
}

Outcome delete_images(Call& call) {
  http::Response response = json_reply("", 204); // they go with their tags
  add_token(call, TokenAccess::write, response);
  return response;
}

Outcome delete_repository(Call& call) {
  if (!call.services.options.delete_enabled) return fail(Code::unsupported);
  const auto tags = call.repository->tags().list({});
  const auto not_found = fail(Code::manifest_unknown, "Repository not found");
  if (is_no_repository(tags)) return not_found;
  BERTH_CHECK(tags);
  if (tags->entries.empty()) return not_found; // v1 knows no repository but by its tags
  std::vector<model::Tag> all;
  for (const std::string& name : tags->entries) {
    BERTH_TRY(model::Tag tag, model::Tag::parse(name));
    all.push_back(std::move(tag));
  }
  BERTH_CHECK(call.repository->tags().untag(all));
  return done();
}

// The registry's configuration decides who may see a repository; its users cannot change it here.
Outcome get_properties(Call&) { return json_reply(R"({"access":"public"})"); }

Outcome put_properties(Call& call) {
  BERTH_TRY(const std::string body, read_body(call));
  const auto document = nlohmann::json::parse(body, nullptr, false);
  const auto access = document.is_object() ? document.value("access", nlohmann::json()) : nlohmann::json();
  if (access == "public") return done();
  return fail(Code::bad_request, access == "private" ? "This registry keeps no private repositories" : "Invalid data");
}

// The token was looked at on the way here.
Outcome check_token(Call&) { return json_reply("\"OK\""); }

Outcome check_layer_access(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_CHECK(call.services.v1_images->find(id, call.may_read));
  return json_reply(R"({"access":true})");
}

} // namespace berth::api::v1
