#include "api/v1/endpoints.h"

namespace berth::api::v1 {
namespace {

// The order matters where two patterns fit one path: a bare repository stands last.
// clang-format off
constexpr Endpoint table[] = {
    {"GET",    "/_ping",                                   "v1", Right::nothing, ping},
    {"GET",    "/v1/_ping",                                "v1", Right::nothing, ping},
    {"GET",    "/v1/users",                                "v1", Right::known,   check_login},
    {"POST",   "/v1/users",                                "v1", Right::nothing, create_user, takes_small_body},
    {"PUT",    "/v1/users/{user}",                         "v1", Right::known,   change_user, takes_small_body},
    {"GET",    "/v1/search",                               "v1", Right::known,   search},
    {"GET",    "/v1/images/{id}/json",                     "v1", Right::pull,    get_json},
    {"PUT",    "/v1/images/{id}/json",                     "v1", Right::push,    put_json, takes_small_body},
    {"GET",    "/v1/images/{id}/ancestry",                 "v1", Right::pull,    get_ancestry},
    {"GET",    "/v1/images/{id}/layer",                    "v1", Right::pull,    get_layer},
    {"PUT",    "/v1/images/{id}/layer",                    "v1", Right::push,    put_layer, before_layer},
    {"PUT",    "/v1/images/{id}/checksum",                 "v1", Right::push,    put_checksum, takes_small_body},
    {"GET",    "/v1/images/{id}/files",                    "v1", Right::pull,    get_files},
    {"GET",    "/v1/images/{id}/diff",                     "v1", Right::pull,    get_diff},
    {"GET",    "/v1/repositories/{name...}/images",        "v1", Right::pull,    get_images},
    {"PUT",    "/v1/repositories/{name...}/images",        "v1", Right::push,    put_images, takes_small_body},
    {"DELETE", "/v1/repositories/{name...}/images",        "v1", Right::remove,  delete_images},
    {"GET",    "/v1/repositories/{name...}/tags",          "v1", Right::pull,    list_tags},
    {"DELETE", "/v1/repositories/{name...}/tags",          "v1", Right::remove,  delete_repository},
    {"GET",    "/v1/repositories/{name...}/tags/{tag}/json", "v1", Right::pull,  describe_tag},
    {"GET",    "/v1/repositories/{name...}/tags/{tag}",    "v1", Right::pull,    get_tag},
    {"PUT",    "/v1/repositories/{name...}/tags/{tag}",    "v1", Right::push,    put_tag, takes_small_body},
    {"DELETE", "/v1/repositories/{name...}/tags/{tag}",    "v1", Right::remove,  delete_tag},
    {"GET",    "/v1/repositories/{name...}/json",          "v1", Right::pull,    describe_repository},
    {"GET",    "/v1/repositories/{name...}/properties",    "v1", Right::pull,    get_properties},
    {"PUT",    "/v1/repositories/{name...}/properties",    "v1", Right::push,    put_properties, takes_small_body},
    {"PUT",    "/v1/repositories/{name...}/auth",          "v1", Right::push,    check_token, takes_small_body},
    {"GET",    "/v1/repositories/{name...}/layer/{id}/access", "v1", Right::pull, check_layer_access},
    {"PUT",    "/v1/repositories/{name...}",               "v1", Right::push,    put_repository, takes_small_body},
    {"DELETE", "/v1/repositories/{name...}",               "v1", Right::remove,  delete_repository},
};
// clang-format on

} // namespace

std::span<const Endpoint> endpoints() { return table; }

} // namespace berth::api::v1
