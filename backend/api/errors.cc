#include "api/errors.h"

#include <nlohmann/json.hpp>

namespace berth::api {
namespace {

// How much of an Error a client sees: its own message and detail, the detail as docker/distribution's {"name": …}, or
// only the message of the table.
enum class Shows { everything, detail_as_name, fixed };

struct Row {
  Code code;
  WireError wire;
  Shows shows = Shows::everything;
};

// clang-format off
using enum Code;
constexpr Row table[] = {
    {unknown,                   {"UNKNOWN",                   500, "unknown error"}, Shows::fixed},
    {unsupported,               {"UNSUPPORTED",               405, "The operation is unsupported."}},
    {unsupported_media_type,    {"UNSUPPORTED",               415, "the content type is not supported here"}},
    {unauthorized,              {"UNAUTHORIZED",              401, "authentication required"}},
    {denied,                    {"DENIED",                    403, "requested access to the resource is denied"}},
    {immutable,                 {"DENIED",                    409, "the tag is immutable"}},
    {unavailable,               {"UNAVAILABLE",               503, "service unavailable"}},
    {too_many_requests,         {"TOOMANYREQUESTS",           429, "too many requests"}},
    {digest_invalid,            {"DIGEST_INVALID",            400, "provided digest did not match uploaded content"}},
    {size_invalid,              {"SIZE_INVALID",              400, "provided length did not match content length"}},
    {range_invalid,             {"RANGE_INVALID",             416, "invalid content range"}},
    {name_invalid,              {"NAME_INVALID",              400, "invalid repository name"}},
    {name_unknown,              {"NAME_UNKNOWN",              404, "repository name not known to registry"},
                                Shows::detail_as_name},
    {tag_invalid,               {"TAG_INVALID",               400, "manifest tag did not match URI"}},
    {manifest_unknown,          {"MANIFEST_UNKNOWN",          404, "manifest unknown"}},
    {manifest_invalid,          {"MANIFEST_INVALID",          400, "manifest invalid"}},
    {manifest_too_large,        {"MANIFEST_INVALID",          413, "manifest too large"}},
    {manifest_unverified,       {"MANIFEST_UNVERIFIED",       400, "manifest failed signature verification"}},
    {manifest_blob_unknown,     {"MANIFEST_BLOB_UNKNOWN",     400, "blob unknown to registry"}},
    {blob_unknown,              {"BLOB_UNKNOWN",              404, "blob unknown to registry"}},
    {blob_upload_unknown,       {"BLOB_UPLOAD_UNKNOWN",       404, "blob upload unknown to registry"}},
    {blob_upload_invalid,       {"BLOB_UPLOAD_INVALID",       404, "blob upload invalid"}},
    {pagination_number_invalid, {"PAGINATION_NUMBER_INVALID", 400, "invalid number of results requested"}},
    {route_unknown,             {"UNSUPPORTED",               404, "no such endpoint"}},
    {bad_request,               {"UNSUPPORTED",               400, "the request is malformed"}},
    {precondition_failed,       {"UNSUPPORTED",               412, "a condition of the request is not met"}},
    {range_unsatisfiable,       {"RANGE_INVALID",             416, "the range lies outside the blob"}},
    {storage_full,              {"UNKNOWN",                   507, "the registry's storage is full"}, Shows::fixed},
    {busy,                      {"UNAVAILABLE",               503, "another request is writing this; try again"},
                                Shows::fixed},
    {image_unknown,             {"UNSUPPORTED",               404, "Image not found"}},
    {image_exists,              {"UNSUPPORTED",               409, "Image already exists"}},
    {image_unfinished,          {"UNSUPPORTED",               400, "Image is being uploaded, retry later"}},
    {image_invalid,             {"UNSUPPORTED",               400, "Invalid image"}},
};
// clang-format on

// After how long a client may ask again that was refused for the moment only, in seconds: what takes the registry's
// time is over sooner, as a rule.
constexpr std::string_view retry_seconds = "1";

const Row& row_of(Code code) {
  for (const Row& row : table)
    if (row.code == code) return row;
  return table[0]; // the codes that the layers keep among themselves
}

nlohmann::ordered_json entry_of(const Error& error) {
  const Row& row = row_of(error.code);
  const bool own = row.shows != Shows::fixed;
  nlohmann::ordered_json entry{
      {"code", row.wire.code},
      {"message", own && !error.message.empty() ? std::string_view(error.message) : row.wire.message},
  };
  if (!own || error.detail.empty()) return entry;
  if (row.shows == Shows::detail_as_name)
    entry["detail"]["name"] = error.detail;
  else
    entry["detail"] = error.detail;
  return entry;
}

// The detail as docker/distribution writes it; null if any known caller would have been enough.
nlohmann::ordered_json detail_of(const std::vector<auth::Access>& needed) {
  nlohmann::ordered_json list;
  for (const auth::Access& one : needed)
    list.push_back({{"Type", one.type}, {"Class", ""}, {"Name", one.name}, {"Action", one.action}});
  return list;
}

http::Response response_of(const Row& row, std::string_view type) {
  http::Response response;
  response.status = row.wire.status;
  response.headers.add("Content-Type", std::string(type));
  if (row.wire.status == 429 || row.wire.status == 503) response.headers.add("Retry-After", std::string(retry_seconds));
  response.is_held = row.code == too_many_requests;
  return response;
}

} // namespace

const WireError& wire_error(Code code) { return row_of(code).wire; }

bool is_internal(Code code) { return row_of(code).shows == Shows::fixed; }

http::Response error_response(const Failure& failure) {
  const Error& error = failure.error;
  nlohmann::ordered_json errors = nlohmann::ordered_json::array({entry_of(error)});
  for (const Error& further : error.also) errors.push_back(entry_of(further));
  if (error.code == Code::unauthorized || !failure.needed.empty()) errors[0]["detail"] = detail_of(failure.needed);
  const nlohmann::ordered_json envelope{{"errors", std::move(errors)}};

  http::Response response = response_of(row_of(error.code), json_type);
  // Details quote what the client sent, which need not be UTF-8.
  response.body = envelope.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  return response;
}

http::Response v1_error_response(const Failure& failure) {
  const Error& error = failure.error;
  const Row& row = row_of(error.code);
  const bool own = row.shows != Shows::fixed && !error.message.empty();
  http::Response response = response_of(row, "application/json");
  response.headers.add("Cache-Control", "no-cache");
  if (error.code == Code::unavailable) response.headers.add("Retry-After", "30");
  const nlohmann::json body{{"error", own ? std::string_view(error.message) : row.wire.message}};
  response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return response;
}

} // namespace berth::api
