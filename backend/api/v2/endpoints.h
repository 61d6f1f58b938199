// The endpoints of the v2 API: the table from method and path to the function that answers, one file a family.
// Spec: OCI distribution-spec "Endpoints"; docker/distribution's API v2.
#pragma once

#include <span>
#include <string_view>

#include "api/endpoint.h"
#include "api/v2/call.h"

namespace berth::api::v2 {

using api::Endpoint;

std::span<const Endpoint> endpoints();
// All but /v2/token, where access control has no token service.
std::span<const Endpoint> endpoints_without_tokens();

// base.cc
Outcome check_version(Call& call);
// catalog.cc
Outcome list_repositories(Call& call);
// tags.cc
Outcome list_tags(Call& call);
// manifests.cc
Outcome get_manifest(Call& call);
Outcome before_manifest(Call& call);
Outcome put_manifest(Call& call);
Outcome delete_manifest(Call& call);
// repository.cc
Outcome delete_repository(Call& call);
// referrers.cc
Outcome list_referrers(Call& call);
// blobs.cc
Outcome get_blob(Call& call);
Outcome delete_blob(Call& call);
// uploads.cc
Outcome before_start(Call& call);
Outcome start_upload(Call& call);
Outcome get_upload(Call& call);
Outcome before_append(Call& call);
Outcome append_to_upload(Call& call);
Outcome before_finish(Call& call);
Outcome finish_upload(Call& call);
Outcome cancel_upload(Call& call);
// token.cc
Outcome get_token(Call& call);
Outcome post_token(Call& call);

} // namespace berth::api::v2
