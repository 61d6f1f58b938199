// Functions that the endpoints of the v2 API share: reading a request, and the replies that several of them give.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/call.h"

namespace berth::api::v2 {

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
std::string client_digest_of(const model::Digest& asked, const registry::Descriptor& descriptor);

// The parameter `n` of a listing: absent (or empty) is nothing.
// Errors: pagination_number_invalid for anything but a decimal number that is not negative.
Result<std::optional<std::size_t>> parse_page_size(const http::Query& query);

// The Link header to the rest of a listing: the same path, after `last`. Requires: the page is not empty.
std::string next_page_link(const std::string& url, const registry::Page& page, std::size_t limit);

} // namespace berth::api::v2
