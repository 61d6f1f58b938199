#include "api/v2/endpoints.h"

namespace berth::api::v2 {
namespace {

// The order matters where two patterns fit one path: `uploads` is no digest, so it stands before the blobs.
// clang-format off
constexpr Endpoint table[] = {
    {"GET",    "/v2/",                                "base",              Right::known,   Cost::quick,   check_version},
    {"GET",    "/v2/_catalog",                        "catalog",           Right::catalog, Cost::quick,   list_repositories},
    {"GET",    "/v2/{name...}/tags/list",             "tags",              Right::pull,    Cost::quick,   list_tags},
    {"GET",    "/v2/{name...}/manifests/{reference}", "manifest",          Right::pull,    Cost::quick,   get_manifest},
    {"PUT",    "/v2/{name...}/manifests/{reference}", "manifest",          Right::push,    Cost::slow,    put_manifest,     before_manifest},
    {"DELETE", "/v2/{name...}/manifests/{reference}", "manifest",          Right::remove,  Cost::slow,    delete_manifest},
    {"GET",    "/v2/{name...}/referrers/{digest}",    "referrers",         Right::pull,    Cost::quick,   list_referrers},
    {"POST",   "/v2/{name...}/blobs/uploads/",        "blob_upload",       Right::push,    Cost::slow,    start_upload,     before_start},
    {"GET",    "/v2/{name...}/blobs/uploads/{id}",    "blob_upload_chunk", Right::push,    Cost::quick,   get_upload},
    {"PATCH",  "/v2/{name...}/blobs/uploads/{id}",    "blob_upload_chunk", Right::push,    Cost::slow,    append_to_upload, before_append},
    {"PUT",    "/v2/{name...}/blobs/uploads/{id}",    "blob_upload_chunk", Right::push,    Cost::slow,    finish_upload,    before_finish},
    {"DELETE", "/v2/{name...}/blobs/uploads/{id}",    "blob_upload_chunk", Right::push,    Cost::slow,    cancel_upload},
    {"GET",    "/v2/{name...}/blobs/{digest}",        "blob",              Right::pull,    Cost::quick,   get_blob},
    {"DELETE", "/v2/{name...}/blobs/{digest}",        "blob",              Right::remove,  Cost::slow,    delete_blob},
    {"DELETE", "/v2/{name...}/_berth/repository",     "repository",        Right::remove,  Cost::slow,    delete_repository},
    {"GET",    "/v2/token",                           "token",             Right::nothing, Cost::quick,   get_token},
    {"POST",   "/v2/token",                           "token",             Right::nothing, Cost::slow,    post_token,       takes_small_body},
};
// clang-format on

} // namespace

std::span<const Endpoint> endpoints() { return table; }

std::span<const Endpoint> endpoints_without_tokens() {
  constexpr std::size_t token_rows = 2; // the last
  return std::span(table).first(std::size(table) - token_rows);
}

} // namespace berth::api::v2
