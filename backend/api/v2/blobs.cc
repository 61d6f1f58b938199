// GET, HEAD and DELETE /v2/<name>/blobs/<digest>. The bytes are nginx's to send; what is decided here is whether and
// which, and on what conditions: nginx does not know the ETag.
#include "api/preconditions.h"
#include "api/v2/endpoints.h"
#include "http/headers.h"
#include "model/byte_range.h"
#include "model/media_types.h"

namespace berth::api::v2 {
namespace {

// A blob never changes under its name: a year is as long as HTTP caches count.
constexpr std::string_view cache_control = "max-age=31536000";

std::unexpected<Failure> unsatisfiable(std::uint64_t size) {
  http::Headers headers;
  headers.add("Content-Range", "bytes */" + std::to_string(size));
  return fail_with({Code::range_unsatisfiable, {}, {}}, std::move(headers));
}

// Whether the request asks for a part, and the part is one of this very blob.
bool asks_for_range(const Call& call, std::string_view tag) {
  if (!call.request.headers.has("Range")) return false;
  return !call.request.headers.has("If-Range") || http::if_range_names(call.header("If-Range"), tag);
}

} // namespace

Outcome get_blob(Call& call) {
  BERTH_TRY(const auto digest, model::Digest::parse_stored(call.path.get("digest")));
  BERTH_TRY(const auto found, call.repository->blobs().look(digest, call.need()));
  const model::Descriptor& descriptor = found.descriptor;
  const std::string tag = client_digest_of(digest, descriptor);

  const Precondition precondition = precondition_of(call.request, tag);
  if (precondition == Precondition::failed) return fail(Code::precondition_failed);
  const bool has_it = precondition == Precondition::not_modified;
  const bool sends_bytes = !has_it && !call.is_head();
  if (sends_bytes && asks_for_range(call, tag) && !model::is_satisfiable(call.header("Range"), descriptor.size))
    return unsatisfiable(descriptor.size);
  // Told as a pull, also to a client that has the blob or asks for its head.
  BERTH_TRY(auto location, call.repository->blobs().locate(found));

  http::Response response;
  response.headers.add("Docker-Content-Digest", tag);
  response.headers.add("Etag", '"' + tag + '"');
  response.headers.add("Cache-Control", std::string(cache_control));
  if (has_it) {
    response.status = 304;
    return response;
  }
  response.headers.add("Content-Type", std::string(model::media::octet_stream));
  if (call.is_head()) {
    response.headers.add("Accept-Ranges", "bytes"); // of a GET, nginx says it
    response.length_of_get = descriptor.size;
    return response;
  }
  send_stored(response, std::move(location), descriptor.size);
  return response;
}

Outcome delete_blob(Call& call) {
  if (!call.services.options.delete_enabled) return fail(Code::unsupported);
  BERTH_TRY(const auto digest, model::Digest::parse_stored(call.path.get("digest")));
  BERTH_CHECK(call.repository->blobs().remove(digest));
  return empty_response(202);
}

} // namespace berth::api::v2
