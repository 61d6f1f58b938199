#include "api/v1/endpoints.h"

namespace berth::api::v1 {
namespace {

// The order matters where two patterns fit one path: a bare repository stands last.
// clang-format off
constexpr Endpoint table[] = {
    {"GET",    "/_ping",                                   Access::anybody, ping},
    {"GET",    "/v1/_ping",                                Access::anybody, ping},
    {"GET",    "/v1/users",                                Access::known,   check_login},
    {"POST",   "/v1/users",                                Access::anybody, create_user},
    {"PUT",    "/v1/users/{user}",                         Access::known,   change_user},
    {"GET",    "/v1/search",                               Access::known,   search},
    {"GET",    "/v1/images/{id}/json",                     Access::pull,    get_json},
    {"PUT",    "/v1/images/{id}/json",                     Access::push,    put_json},
    {"GET",    "/v1/images/{id}/ancestry",                 Access::pull,    get_ancestry},
    {"GET",    "/v1/images/{id}/layer",                    Access::pull,    get_layer},
    {"PUT",    "/v1/images/{id}/layer",                    Access::push,    put_layer},
    {"PUT",    "/v1/images/{id}/checksum",                 Access::push,    put_checksum},
    {"GET",    "/v1/images/{id}/files",                    Access::pull,    get_files},
    {"GET",    "/v1/images/{id}/diff",                     Access::pull,    get_diff},
    {"GET",    "/v1/repositories/{name...}/images",        Access::pull,    get_images},
    {"PUT",    "/v1/repositories/{name...}/images",        Access::push,    put_images},
    {"DELETE", "/v1/repositories/{name...}/images",        Access::remove,  delete_images},
    {"GET",    "/v1/repositories/{name...}/tags",          Access::pull,    list_tags},
    {"DELETE", "/v1/repositories/{name...}/tags",          Access::remove,  delete_repository},
    {"GET",    "/v1/repositories/{name...}/tags/{tag}/json", Access::pull,  describe_tag},
    {"GET",    "/v1/repositories/{name...}/tags/{tag}",    Access::pull,    get_tag},
    {"PUT",    "/v1/repositories/{name...}/tags/{tag}",    Access::push,    put_tag},
    {"DELETE", "/v1/repositories/{name...}/tags/{tag}",    Access::remove,  delete_tag},
    {"GET",    "/v1/repositories/{name...}/json",          Access::pull,    describe_repository},
    {"GET",    "/v1/repositories/{name...}/properties",    Access::pull,    get_properties},
    {"PUT",    "/v1/repositories/{name...}/properties",    Access::push,    put_properties},
    {"PUT",    "/v1/repositories/{name...}/auth",          Access::push,    check_token},
    {"GET",    "/v1/repositories/{name...}/layer/{id}/access", Access::pull, check_layer_access},
    {"PUT",    "/v1/repositories/{name...}",               Access::push,    put_repository},
    {"DELETE", "/v1/repositories/{name...}",               Access::remove,  delete_repository},
};
// clang-format on

} // namespace

std::span<const Endpoint> endpoints() { return table; }

} // namespace berth::api::v1
