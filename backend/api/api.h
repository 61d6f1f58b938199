// Api: the request pipeline of every face. A request goes through the same steps whatever its face (face.h) and its
// endpoint (endpoint.h): route → authorize → run → render. What does not depend on the endpoint is done here,
// once: health, counting, rights, read-only mode, events, 405 with Allow, Retry-After, the headers of all replies.
// Threads: safe.
// Spec: docs/spec-map.md (OCI distribution-spec; docker/distribution's HTTP API v2).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.h"
#include "api/debug/face.h"
#include "api/options.h"
#include "api/request_events.h"
#include "api/upload_state.h"
#include "api/v1/tokens.h"
#include "auth/access.h"
#include "base/log.h"

namespace berth::api {

// Services that only the v1 face needs.
struct V1Services {
  registry::V1Images& images;
  registry::V1Tags& tags;
};

// Called when a pull of a manifest or blob, with this value of Authorization, was granted and answered.
using PullListener =
    std::function<void(std::string_view authorization, const auth::Grant& grant, const std::string& repository)>;

class Api final : public http::Handler {
public:
  struct Parts {
    registry::Registry& registry;
    const Clock& clock;
    Logger& logger;
    std::optional<V1Services> v1 = {};        // absent: there is no v1 face
    EventSettings events = {};                // without a listener no event is sent
    auth::AccessController* access = nullptr; // null: everybody may do everything
    auth::TokenService* tokens = nullptr;     // null: there is no /v2/token
    const debug::Pages* debug = nullptr;      // null: there is no debug server
    debug::Health* health = nullptr;          // null: the registry is well
    debug::Metrics* metrics = nullptr;        // null: nothing is counted
    PullListener pulls = {};                  // empty: nobody is told
  };
  // Borrows: all of parts. Requires: options.secret is not empty.
  Api(Parts parts, Options options);
  Api(registry::Registry& registry, Options options, const Clock& clock, Logger& logger,
      std::optional<V1Services> v1 = std::nullopt, EventSettings events = {})
      : Api({registry, clock, logger, v1, std::move(events)}, std::move(options)) {}

  http::Response handle(http::Request& request) override;
  http::Response refuse(const http::Request& request, const Error& why) override;
  http::Cost cost_of(http::Request& request) const override;

private:
  // Where a request goes, as far as its target can be read.
  struct Target {
    const Face* face;
    Result<std::string> path; // decoded, as the face's patterns have it
    std::string_view query;
    debug::Metrics::Counted* counted = nullptr; // null: not counted
  };
  Target target_of(const http::Request& request) const;
  const Face& face_of(const http::Request& request, std::string& path) const;
  Outcome answer(http::Request& request, Target& target);
  Outcome run(const Endpoint& row, http::PathParameters parameters, http::Request& request, const Target& target);
  Attempt<auth::Grant> authorize(const Endpoint& row, const std::string& repository, http::Request& request,
                                 const http::Query& query, const Face& face);
  Result<std::unique_ptr<registry::Repository>> repository_of(const Face& face, const http::PathParameters& parameters,
                                                              http::Request& request);
  http::Response render(const Face& face, const http::Request& request, const Failure& failure);
  void finish(const Face& face, const http::Request& request, http::Response& response) const;

  const Parts parts_;
  const Options options_;
  const UploadStateSigner upload_states_;
  const v1::TokenSigner v1_tokens_;
  const Services services_;
  const Face root_, debug_;       // what is no other face's: of the public server, and of the debug server
  const std::vector<Face> faces_; // below http.prefix, in the order in which they are asked
};

} // namespace berth::api
