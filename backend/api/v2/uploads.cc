// /v2/<name>/blobs/uploads/: pushing a blob. POST begins (or mounts, or takes it whole), PATCH appends, PUT takes the
// rest and finishes, GET tells how far it is, DELETE cancels. Every reply but the last carries a fresh Location, whose
// `_state` says how much was acknowledged: a client that lost a reply sees 416 with the place to go on from.
#include "api/readable.h"
#include "api/v2/endpoints.h"
#include "http/headers.h"
#include "model/byte_range.h"
#include "model/media_types.h"

namespace berth::api::v2 {
namespace {

constexpr std::string_view another_writer = "another request is writing to this upload";

// Where an upload stands, as every step tells it.
void add_progress(const Call& call, const UploadState& state, http::Response& response) {
  const std::string path = path_in(*call.repository, "blobs/uploads/" + state.id);
  const std::string token = http::encode_query(call.services.upload_states.sign(state));
  response.headers.add("Location", call.locations.absolute(path) + "?_state=" + token);
  response.headers.add("Range", model::format_upload_range(state.offset));
  response.headers.add("Docker-Upload-UUID", state.id);
}

void set_place(UploadState& state, registry::UploadProgress place) {
  state.offset = place.size;
  state.of_store = std::move(place.state);
}

http::Response progress(const Call& call, const UploadState& state, int status) {
  http::Response response = empty_response(status);
  add_progress(call, state, response);
  return response;
}

// 416, with the place to go on from.
std::unexpected<Failure> out_of_step(const Call& call, const UploadState& state, Error why) {
  why.code = Code::range_invalid;
  http::Response place;
  add_progress(call, state, place);
  return fail_with(std::move(why), std::move(place.headers));
}

http::Response blob_created(const Call& call, const model::Digest& asked, const registry::Descriptor& descriptor) {
  const std::string digest = client_digest_of(asked, descriptor);
  http::Response response = empty_response(201);
  response.headers.add("Location", call.locations.absolute(path_in(*call.repository, "blobs/" + digest)));
  response.headers.add("Docker-Content-Digest", digest);
  return response;
}

Result<model::Digest> digest_parameter(const Call& call) {
  if (call.query.get("digest").empty()) return fail(Code::digest_invalid, {}, "digest missing");
  return model::Digest::parse(call.query.get("digest"));
}

constexpr std::size_t max_looked_into = 1000; // repositories, for a blob that is to be mounted from any of them

// A repository that the caller may read and that has the blob; nothing: there is none among the first.
Result<std::optional<model::RepositoryName>> any_with(const Call& call, const model::Digest& digest) {
  registry::Registry& registry = call.services.registry;
  BERTH_TRY(const registry::Page page, readable_repositories(registry, call.may_read, {{}, max_looked_into}));
  for (const std::string& text : page.entries) {
    BERTH_TRY(auto name, model::RepositoryName::parse(text));
    const auto found = registry.repository(name)->blobs().find(digest);
    if (found) return std::optional(std::move(name));
    if (!is(found.error(), Code::blob_unknown)) return std::unexpected(found.error());
  }
  return std::nullopt;
}

// Nothing: no mount was asked for, or one that names no blob, or one from where the caller may not read; that is an
// upload then, never an error, so that a repository that is hidden is as one that is not there.
Result<std::optional<registry::MountRequest>> mount_parameters(const Call& call) {
  if (!call.query.has("mount")) return std::nullopt;
  const auto digest = model::Digest::parse_stored(call.query.get("mount"));
  if (!digest) return std::nullopt;
  if (!call.query.has("from")) {
    if (call.may_read == nullptr) return registry::MountRequest{*digest, std::nullopt}; // from anywhere in the store
    BERTH_TRY(auto from, any_with(call, *digest));
    if (!from) return std::nullopt;
    return registry::MountRequest{*digest, std::move(from)};
  }
  auto from = model::RepositoryName::parse(call.query.get("from"));
  if (!from) return std::nullopt;
  if (call.may_read != nullptr) {
    BERTH_TRY(const bool readable, call.may_read(*from));
    if (!readable) return std::nullopt;
  }
  return registry::MountRequest{*digest, *std::move(from)};
}

// The state that a step brings with it, which must be of this upload.
// Errors: blob_upload_unknown for a malformed id; blob_upload_invalid.
Result<UploadState> verify_state(const Call& call) {
  BERTH_TRY(const auto id, model::UploadId::parse(call.path.get("id")));
  BERTH_TRY(UploadState state, call.services.upload_states.verify(call.query.get("_state")));
  if (state.name != call.repository->name().str() || state.id != id.str())
    return fail(Code::blob_upload_invalid, {}, "the upload state token belongs to another upload");
  return state;
}

// Bodies of any size come as files that nginx spooled; a large body that was not spooled means that nginx is
// misconfigured.
Result<> check_body(const http::Request& request) {
  if (request.body_too_large) return fail(Code::io, "a blob of this size must be spooled by nginx");
  return {};
}

// Whether the chunk of a PATCH or PUT continues the upload at `size`. A Content-Range is checked if there is one.
// Errors: range_invalid; size_invalid if the body (nothing: not known yet) is not as long as the range.
Result<> check_chunk(const Call& call, std::uint64_t size, std::optional<std::uint64_t> body) {
  if (!call.request.headers.has("Content-Range")) return {};
  BERTH_TRY(const auto range, model::parse_content_range(call.header("Content-Range")));
  if (range.first != size)
    return fail(Code::range_invalid, {},
                "the chunk begins at " + std::to_string(range.first) + ", the upload is at " + std::to_string(size));
  if (body && range.size() != *body)
    return fail(Code::size_invalid, {}, "Content-Range and the length of the body differ");
  return {};
}

// Fails with 416, and the place to go on from, for a step that does not continue the upload where it is.
// Errors: those of check_chunk too.
Attempt<> check_place(const Call& call, UploadState& state, registry::UploadProgress place,
                      std::optional<std::uint64_t> body) {
  if (state.offset != place.size) {
    set_place(state, std::move(place));
    return out_of_step(call, state, {Code::range_invalid, {}, "the upload state token is of another offset"});
  }
  auto continues = check_chunk(call, place.size, body);
  if (!continues && is(continues.error(), Code::range_invalid)) return out_of_step(call, state, continues.error());
  BERTH_CHECK(std::move(continues));
  return {};
}

// An upload held for this request, with its state at the size it has now.
struct Held {
  UploadState state;
  std::unique_ptr<registry::BlobWriter> writer;
};
Attempt<Held> hold_upload(Call& call) {
  BERTH_CHECK(check_body(call.request));
  BERTH_TRY(UploadState state, verify_state(call));
  BERTH_TRY(const auto id, model::UploadId::parse(state.id));
  auto writer = call.repository->blobs().resume(id, state.of_store);
  if (!writer && is(writer.error(), Code::busy)) {
    BERTH_TRY(auto place, call.repository->blobs().upload_progress(id, state.of_store));
    set_place(state, std::move(place));
    return out_of_step(call, state, {Code::busy, std::string(another_writer), {}});
  }
  if (!writer) return std::unexpected(std::move(writer).error());
  BERTH_CHECK(check_place(call, state, (*writer)->progress(), call.request.body.size()));
  return Held{std::move(state), *std::move(writer)};
}

// The same without taking hold of the upload, which may advance or go until the body is here.
Outcome look_at_upload(const Call& call) {
  BERTH_TRY(UploadState state, verify_state(call));
  BERTH_TRY(const auto id, model::UploadId::parse(state.id));
  BERTH_TRY(auto place, call.repository->blobs().upload_progress(id, state.of_store));
  BERTH_CHECK(check_place(call, state, std::move(place), call.request.content_length));
  return http::takes(http::TakesBody::spooled);
}

// The digest of a blob that comes with the very request that starts its upload.
Result<std::optional<model::Digest>> parse_start(const Call& call) {
  std::optional<model::Digest> whole;
  if (call.query.has("digest")) {
    BERTH_TRY(whole, digest_parameter(call));
  }
  if (call.query.has("digest-algorithm")) BERTH_CHECK(model::parse_algorithm(call.query.get("digest-algorithm")));
  return whole;
}

Result<> check_type(const Call& call) {
  const std::string type = http::media_type(call.header("Content-Type"));
  if (type.empty() || type == model::media::octet_stream) return {};
  return fail(Code::unsupported_media_type, {}, "a chunk is application/octet-stream");
}

} // namespace

Outcome before_start(Call& call) {
  BERTH_CHECK(parse_start(call));
  return http::takes(http::TakesBody::spooled);
}

Outcome start_upload(Call& call) {
  BERTH_CHECK(check_body(call.request));
  BERTH_TRY(const auto whole, parse_start(call));

  BERTH_TRY(const auto mount, mount_parameters(call));
  BERTH_TRY(auto created, call.repository->blobs().create(mount));
  if (const auto* mounted = std::get_if<registry::Mounted>(&created))
    return blob_created(call, mount->digest, mounted->descriptor);
  auto& writer = std::get<std::unique_ptr<registry::BlobWriter>>(created);
  if (whole) {
    BERTH_TRY(const auto descriptor, writer->commit(std::move(call.request.body), *whole));
    return blob_created(call, *whole, descriptor);
  }
  UploadState state{call.repository->name().str(), writer->id().str(), 0, call.services.clock.now()};
  set_place(state, writer->progress());
  return progress(call, state, 202);
}

Outcome get_upload(Call& call) {
  BERTH_TRY(const auto id, model::UploadId::parse(call.path.get("id")));
  const auto brought = verify_state(call); // no token is needed to ask
  BERTH_TRY(auto place, call.repository->blobs().upload_progress(id, brought ? brought->of_store : std::string()));
  // The new one's StartedAt is for show, in docker/distribution as well.
  UploadState state{call.repository->name().str(), id.str(), 0, call.services.clock.now()};
  set_place(state, std::move(place));
  return progress(call, state, 204);
}

Outcome before_append(Call& call) {
  BERTH_CHECK(check_type(call));
  return look_at_upload(call);
}

Outcome append_to_upload(Call& call) {
  BERTH_CHECK(check_type(call));
  BERTH_TRY(auto upload, hold_upload(call));
  auto& [state, writer] = upload;
  const auto comes = call.request.headers.has("Content-Range") ? registry::Comes::in_chunks : registry::Comes::whole;
  BERTH_CHECK(writer->append(std::move(call.request.body), comes));
  set_place(state, writer->progress());
  return progress(call, state, 202);
}

Outcome before_finish(Call& call) {
  BERTH_CHECK(digest_parameter(call));
  return look_at_upload(call);
}

Outcome finish_upload(Call& call) {
  BERTH_TRY(const auto digest, digest_parameter(call));
  BERTH_TRY(const Held upload, hold_upload(call));
  BERTH_TRY(const auto descriptor, upload.writer->commit(std::move(call.request.body), digest));
  return blob_created(call, digest, descriptor);
}

Outcome cancel_upload(Call& call) {
  BERTH_TRY(const UploadState state, verify_state(call));
  BERTH_TRY(const auto id, model::UploadId::parse(state.id));
  auto writer = call.repository->blobs().resume(id, state.of_store);
  if (!writer && is(writer.error(), Code::busy)) return fail(Code::blob_upload_invalid, std::string(another_writer));
  if (!writer) return std::unexpected(std::move(writer).error());
  BERTH_CHECK((*writer)->cancel());
  http::Response response = empty_response(204);
  response.headers.add("Docker-Upload-UUID", state.id);
  return response;
}

} // namespace berth::api::v2
