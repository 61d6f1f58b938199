// The endpoints of the v1 API: the table from method and path to the function that answers, one file a family.
// A slash at the end of a path makes no difference.
// Spec: docker-registry 0.9 (index and registry in one host); docker 0.6 to 1.5, package registry.
#pragma once

#include <span>
#include <string_view>

#include "api/endpoint.h"
#include "api/v1/call.h"

namespace berth::api::v1 {

using api::Endpoint;

std::span<const Endpoint> endpoints();

// base.cc
Outcome ping(Call& call);
Outcome check_login(Call& call);
Outcome create_user(Call& call);
Outcome change_user(Call& call);
// search.cc
Outcome search(Call& call);
// repositories.cc
Outcome put_repository(Call& call);
Outcome delete_repository(Call& call);
Outcome get_images(Call& call);
Outcome put_images(Call& call);
Outcome delete_images(Call& call);
Outcome get_properties(Call& call);
Outcome put_properties(Call& call);
Outcome check_token(Call& call);
Outcome check_layer_access(Call& call);
// tags.cc
Outcome list_tags(Call& call);
Outcome get_tag(Call& call);
Outcome put_tag(Call& call);
Outcome delete_tag(Call& call);
Outcome describe_tag(Call& call);
Outcome describe_repository(Call& call);
// images.cc
Outcome get_json(Call& call);
Outcome get_ancestry(Call& call);
Outcome get_layer(Call& call);
// files.cc
Outcome get_files(Call& call);
Outcome get_diff(Call& call);
// push.cc
Outcome put_json(Call& call);
Outcome before_layer(Call& call);
Outcome put_layer(Call& call);
Outcome put_checksum(Call& call);

} // namespace berth::api::v1
