// Call: one request on its way through an endpoint, and what every endpoint of the v2 API does with it.
// Threads: belongs to one request.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/api.h"
#include "api/errors.h"
#include "api/locations.h"
#include "api/request_events.h"
#include "http/message.h"
#include "http/router.h"
#include "http/url.h"
#include "registry/registry.h"
#include "registry/v1_images.h"

namespace berth::api::v2 {

struct Call {
  registry::Registry& registry;
  const Options& options;
  const UploadStateSigner& upload_states;
  const Clock& clock;
  registry::V1Tags* v1_tags; // null: there is no v1 face

  http::Request& request;
  const http::Query query;
  const http::PathParameters path; // decoded
  const Locations& locations;
  // The repository of the path; none for endpoints without a {name...}.
  const std::unique_ptr<registry::Repository> repository;
  RequestEvents events; // an endpoint tells here what it did

  bool is_head() const { return request.method == "HEAD"; }
  std::string_view header(std::string_view name) const { return request.headers.get(name); }
};

// An answer without a body.
http::Response empty_response(int status);
// An answer that is a JSON document, already written.
http::Response json_response(std::string document);

// The JSON array of names of the registry (repositories, tags): none of their characters is escaped in JSON.
std::string json_array_of(const std::vector<std::string>& names);

// "v2/<name>/<rest>": what Locations turns into a URL.
std::string path_in(const registry::Repository& repository, std::string_view rest);

// The digest by which a client is told of content that it asked for (or pushed) as `asked`: one of the same algorithm,
// as that is the one that it can verify.
std::string digest_for_client(const model::Digest& asked, const registry::Descriptor& descriptor);

// The parameter `n` of a listing: absent (or empty) is nothing.
// Errors: pagination_number_invalid for anything but a decimal number that is not negative.
Result<std::optional<std::size_t>> parse_page_size(const http::Query& query);

// The Link header to the rest of a listing: the same path, after `last`. Requires: the page is not empty.
std::string next_page_link(const std::string& url, const registry::Page& page, std::size_t limit);

} // namespace berth::api::v2
