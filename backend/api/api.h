// Api: the registry's HTTP face. It takes a request, finds the endpoint, calls it, and turns whatever came of it into a
// response.
// Threads: safe.
// Spec: docs/spec-map.md (OCI distribution-spec; docker/distribution's HTTP API v2).
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "api/upload_state.h"
#include "api/v1/tokens.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/message.h"
#include "model/jws_key.h"
#include "registry/registry.h"
#include "registry/v1_images.h"

namespace berth::api {

struct Options {
  std::string host;            // base URL of every Location, as http.host; empty: taken from the request
  std::string prefix = "/";    // before every route; begins and ends with a slash
  std::string secret;          // signs upload states; not empty
  bool relative_urls = false;  // Locations without scheme and host
  bool delete_enabled = false; // of manifests, tags and blobs; an upload can always be cancelled
  bool read_only = false;      // nothing may be written: 405
  std::size_t catalog_max_entries = 1000;
  std::size_t tags_max = 1000;
  enum class Faces { both, v1, v2 } faces = Faces::both; // what is served; the other is 404

  bool schema1_push = false;            // schema1 manifests are taken; they are always served
  bool schema1_keeps_signatures = true; // those of pushed manifests, and serves them; else each pull is signed anew
  std::optional<model::SigningKey> schema1_key; // signs schema1 manifests that have no signature; absent: not served
};

// What the v1 face needs besides.
struct V1Services {
  registry::V1Images& images;
  registry::V1Tags& tags;
};

class Api final : public http::Handler {
public:
  // Borrows: all but options. Requires: options.secret is not empty. Without v1 there is no v1 face.
  Api(registry::Registry& registry, Options options, const Clock& clock, Logger& logger,
      std::optional<V1Services> v1 = std::nullopt);

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
};

} // namespace berth::api
