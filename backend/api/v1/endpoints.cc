#include "api/v1/endpoints.h"

namespace berth::api::v1 {
namespace {

// The order matters where two patterns fit one path: a bare repository stands last.
// clang-format off
constexpr Endpoint table[] = {
    {"GET",    "/_ping",                                   "v1", Right::nothing, Cost::quick,   ping},
    {"GET",    "/v1/_ping",                                "v1", Right::nothing, Cost::quick,   ping},
    {"GET",    "/v1/users",                                "v1", Right::known,   Cost::quick,   check_login},
    {"POST",   "/v1/users",                                "v1", Right::nothing, Cost::slow,    create_user, takes_small_body},
    {"PUT",    "/v1/users/{user}",                         "v1", Right::known,   Cost::slow,    change_user, takes_small_body},
    {"GET",    "/v1/search",                               "v1", Right::catalog, Cost::slow,    search},
    {"GET",    "/v1/images/{id}/json",                     "v1", Right::pull,    Cost::unpacks, get_json},
    {"PUT",    "/v1/images/{id}/json",                     "v1", Right::push,    Cost::slow,    put_json, takes_small_body},
    {"GET",    "/v1/images/{id}/ancestry",                 "v1", Right::pull,    Cost::unpacks, get_ancestry},
    {"GET",    "/v1/images/{id}/layer",                    "v1", Right::pull,    Cost::unpacks, get_layer},
    {"PUT",    "/v1/images/{id}/layer",                    "v1", Right::push,    Cost::unpacks, put_layer, before_layer},
    {"PUT",    "/v1/images/{id}/checksum",                 "v1", Right::push,    Cost::slow,    put_checksum, takes_small_body},
    {"GET",    "/v1/images/{id}/files",                    "v1", Right::pull,    Cost::unpacks, get_files},
    {"GET",    "/v1/images/{id}/diff",                     "v1", Right::pull,    Cost::unpacks, get_diff},
    {"GET",    "/v1/repositories/{name...}/images",        "v1", Right::pull,    Cost::slow,    get_images},
    {"PUT",    "/v1/repositories/{name...}/images",        "v1", Right::push,    Cost::slow,    put_images, takes_small_body},
    {"DELETE", "/v1/repositories/{name...}/images",        "v1", Right::remove,  Cost::slow,    delete_images},
    {"GET",    "/v1/repositories/{name...}/tags",          "v1", Right::pull,    Cost::slow,    list_tags},
    {"DELETE", "/v1/repositories/{name...}/tags",          "v1", Right::remove,  Cost::slow,    delete_repository},
    {"GET",    "/v1/repositories/{name...}/tags/{tag}/json", "v1", Right::pull,    Cost::unpacks, describe_tag},
    {"GET",    "/v1/repositories/{name...}/tags/{tag}",    "v1", Right::pull,    Cost::slow,    get_tag},
    {"PUT",    "/v1/repositories/{name...}/tags/{tag}",    "v1", Right::push,    Cost::unpacks, put_tag, takes_small_body},
    {"DELETE", "/v1/repositories/{name...}/tags/{tag}",    "v1", Right::remove,  Cost::slow,    delete_tag},
    {"GET",    "/v1/repositories/{name...}/json",          "v1", Right::pull,    Cost::unpacks, describe_repository},
    {"GET",    "/v1/repositories/{name...}/properties",    "v1", Right::pull,    Cost::slow,    get_properties},
    {"PUT",    "/v1/repositories/{name...}/properties",    "v1", Right::push,    Cost::slow,    put_properties, takes_small_body},
    {"PUT",    "/v1/repositories/{name...}/auth",          "v1", Right::push,    Cost::slow,    check_token, takes_small_body},
    {"GET",    "/v1/repositories/{name...}/layer/{id}/access", "v1", Right::pull,    Cost::slow,    check_layer_access},
    {"PUT",    "/v1/repositories/{name...}",               "v1", Right::push,    Cost::slow,    put_repository, takes_small_body},
    {"DELETE", "/v1/repositories/{name...}",               "v1", Right::remove,  Cost::slow,    delete_repository},
};
// clang-format on

} // namespace

std::span<const Endpoint> endpoints() { return table; }

} // namespace berth::api::v1
