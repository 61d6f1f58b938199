// Call: one request on its way through an endpoint, whatever the face.
// Threads: belongs to one request.
#pragma once

#include <memory>
#include <string_view>

#include "api/locations.h"
#include "api/options.h"
#include "api/request_events.h"
#include "api/upload_state.h"
#include "api/v1/tokens.h"
#include "auth/access.h"
#include "base/clock.h"
#include "base/location.h"
#include "http/message.h"
#include "http/router.h"
#include "http/url.h"
#include "registry/registry.h"
#include "registry/v1_images.h"

namespace berth::api {

namespace debug {
struct Pages;
}

// The services that endpoints work with, shared by all requests.
struct Services {
  registry::Registry& registry;
  const Options& options;
  const Clock& clock;
  const UploadStateSigner& upload_states;
  const v1::TokenSigner& v1_tokens;
  registry::V1Images* v1_images = nullptr; // null, both: there is no v1 face
  registry::V1Tags* v1_tags = nullptr;
  bool has_accounts = false;            // whether access control knows users, as against letting everybody in
  const debug::Pages* debug = nullptr;  // null: there is no debug server
  auth::TokenService* tokens = nullptr; // null: there is no token service of this registry's own
};

struct Call {
  const Services& services;
  http::Request& request;
  const http::Query query;
  const http::PathParameters path; // decoded
  const Locations& locations;
  const auth::Caller& caller;
  // Whether the caller may read a repository other than that of the path.
  const registry::MayRead may_read;
  // What becomes of a tag that the request points to another manifest.
  const registry::IfTagged if_tagged;
  // Told of what the endpoint does. `repository` tells it of every change and of every blob that is sent.
  RequestEvents& events;
  // The repository of the path; null for endpoints without a {name...}.
  const std::unique_ptr<registry::Repository> repository;

  bool is_head() const { return request.method == "HEAD"; }
  // What the request looks for its blob or manifest for: a client that asks for the head of one spares itself a push.
  registry::Need need() const {
    return is_head() && !services.options.read_only ? registry::Need::to_keep : registry::Need::to_read;
  }
  std::string_view header(std::string_view name) const { return request.headers.get(name); }
};

// What the request brings to say who it comes from, as of now or of the time when rights were first asked for.
auth::Credentials credentials_of(http::Request& request, const Clock& clock);

// Lets a response be what is stored: its bytes, a file that nginx sends, or a URL that the client is sent to (307).
// size: of all of it.
void send_stored(http::Response& response, Location stored, std::uint64_t size);

// What tagging came to, as a client is told it. Errors: denied for a tag that the caller may not move.
Result<> told_of_tag(const model::Tag& tag, Result<> tagged);

} // namespace berth::api
