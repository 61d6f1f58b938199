#include "api/v2/call.h"

#include <charconv>

#include "api/errors.h"

namespace berth::api::v2 {

http::Response empty_response(int status) {
  http::Response response;
  response.status = status;
  return response;
}

http::Response json_response(std::string document) {
  http::Response response;
  response.headers.add("Content-Type", std::string(json_type));
  response.body = std::move(document);
  return response;
}

std::string json_array_of(const std::vector<std::string>& names) {
  std::size_t bytes = 2;
  for (const std::string& name : names) bytes += name.size() + 3;
  std::string array;
  array.reserve(bytes);
  for (const std::string& name : names) array.append(array.empty() ? "[\"" : "\",\"").append(name);
  return array.append(names.empty() ? "[]" : "\"]");
}

std::string path_in(const registry::Repository& repository, std::string_view rest) {
  return "v2/" + repository.name().str() + "/" + std::string(rest);
}

std::string client_digest_of(const model::Digest& asked, const registry::Descriptor& descriptor) {
  // A tarsum covers the files of a layer, not its bytes: a client cannot compare it with the bytes that it gets.
  return asked.algorithm() == model::Algorithm::tarsum ? descriptor.digest.str() : asked.str();
}

Result<std::optional<std::size_t>> parse_page_size(const http::Query& query) {
  const std::string_view text = query.get("n");
  if (text.empty()) return std::optional<std::size_t>();
  std::uint32_t size = 0; // a larger number is as wrong as a negative one
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Code::pagination_number_invalid, {}, "n=" + std::string(text));
  return std::optional<std::size_t>(size);
}

std::string next_page_link(const std::string& url, const registry::Page& page, std::size_t limit) {
  return "<" + url + "?last=" + http::encode_query(page.entries.back()) + "&n=" + std::to_string(limit) +
         ">; rel=\"next\"";
}

} // namespace berth::api::v2
