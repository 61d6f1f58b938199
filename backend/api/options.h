// Options: what config.yml decides of the HTTP API.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "model/jws_key.h"

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

} // namespace berth::api
