// Api: the registry's HTTP face. It takes a request, finds the endpoint, calls it, and turns whatever came of it into a
// response.
// Threads: safe.
// Spec: docs/spec-map.md (OCI distribution-spec; docker/distribution's HTTP API v2).
#pragma once

#include <optional>
#include <string>

#include "api/options.h"
#include "api/request_events.h"
#include "api/upload_state.h"
#include "api/v1/tokens.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/message.h"
#include "registry/registry.h"
#include "registry/v1_images.h"

namespace berth::api {

// What the v1 face needs besides.
struct V1Services {
  registry::V1Images& images;
  registry::V1Tags& tags;
};

class Api final : public http::Handler {
public:
  // Borrows: all but options. Requires: options.secret is not empty. Without v1 there is no v1 face.
  Api(registry::Registry& registry, Options options, const Clock& clock, Logger& logger,
      std::optional<V1Services> v1 = std::nullopt, EventSettings events = {});

  http::Response handle(http::Request& request) override;
  http::Response refuse(const http::Request& request, const Error& why) override;

private:
  Result<http::Response> answer(http::Request& request);
  Result<http::Response> answer_v1(http::Request& request, std::string path, std::string_view query);
  Result<http::Response> answer_v2(http::Request& request, const std::string& path, std::string_view query);
  http::Response failure(const http::Request& request, const Error& error);
  void finish(const http::Request& request, http::Response& response) const;
  enum class Face { v1, v2, none };
  Face face_of(const http::Request& request) const;

  registry::Registry& registry_;
  const Options options_;
  const UploadStateSigner upload_states_;
  const std::optional<V1Services> v1_;
  const v1::TokenSigner v1_tokens_;
  const Clock& clock_;
  Logger& logger_;
  const EventSettings events_;
};

} // namespace berth::api
