#include "api/v2/endpoints.h"

namespace berth::api::v2 {
namespace {

// The order matters where two patterns fit one path: `uploads` is no digest, so it stands before the blobs.
// clang-format off
constexpr Endpoint table[] = {
    {"GET",    "/v2/",                                Access::known,   check_version},
    {"GET",    "/v2/_catalog",                        Access::catalog, list_repositories},
    {"GET",    "/v2/{name...}/tags/list",             Access::pull,    list_tags},
    {"GET",    "/v2/{name...}/manifests/{reference}", Access::pull,    get_manifest},
    {"PUT",    "/v2/{name...}/manifests/{reference}", Access::push,    put_manifest},
    {"DELETE", "/v2/{name...}/manifests/{reference}", Access::remove,  delete_manifest},
    {"GET",    "/v2/{name...}/referrers/{digest}",    Access::pull,    list_referrers},
    {"POST",   "/v2/{name...}/blobs/uploads/",        Access::push,    start_upload},
    {"GET",    "/v2/{name...}/blobs/uploads/{id}",    Access::push,    get_upload},
    {"PATCH",  "/v2/{name...}/blobs/uploads/{id}",    Access::push,    append_to_upload},
    {"PUT",    "/v2/{name...}/blobs/uploads/{id}",    Access::push,    finish_upload},
    {"DELETE", "/v2/{name...}/blobs/uploads/{id}",    Access::push,    cancel_upload},
    {"GET",    "/v2/{name...}/blobs/{digest}",        Access::pull,    get_blob},
    {"DELETE", "/v2/{name...}/blobs/{digest}",        Access::remove,  delete_blob},
};
// clang-format on

} // namespace

std::span<const Endpoint> endpoints() { return table; }

} // namespace berth::api::v2
