#include "api/v1/call.h"

#include <ctime>

#include "base/encoding.h"

namespace berth::api::v1 {
namespace {

constexpr std::chrono::hours a_year{24 * 365};

// Spec: RFC 9110 section 5.6.7
std::string http_date(Time time) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

} // namespace

Result<model::RepositoryName> repository_name(std::string_view text) {
  constexpr std::string_view library = "library/";
  if (text.starts_with(library)) text.remove_prefix(library.size());
  return model::RepositoryName::parse(text);
}

http::Response json_reply(std::string document, int status) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-cache");
  response.headers.add("Pragma", "no-cache");
  response.headers.add("Expires", "-1");
  response.body = std::move(document);
  return response;
}

http::Response done(int status) { return json_reply("true", status); }

bool has_it(const Call& call) { return call.request.headers.has("If-Modified-Since"); }

http::Response immutable(const Call& call) {
  http::Response response;
  response.headers.add("Cache-Control", "public, max-age=31536000");
  response.headers.add("Expires", http_date(call.services.clock.now() + a_year));
  response.headers.add("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT");
  return response;
}

http::Response not_modified(const Call& call) {
  http::Response response = immutable(call);
  response.status = 304;
  return response;
}

Result<model::ImageId> image_id(const Call& call) { return model::ImageId::parse(call.path.get("id")); }

Result<std::string> read_body(const Call& call) {
  if (call.request.body_too_large) return fail(Code::bad_request, "The request is too large");
  std::string bytes;
  bytes.reserve(call.request.body.size());
  BERTH_CHECK(call.request.body.read([&](std::span<const std::byte> piece) -> Result<> {
    bytes += as_text(piece);
    return {};
  }));
  return bytes;
}

} // namespace berth::api::v1
