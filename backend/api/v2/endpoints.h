// The endpoints of the v2 API: the table from method and path to the function that answers, one file a family.
// Spec: OCI distribution-spec "Endpoints"; docker/distribution's API v2.
#pragma once

#include <span>
#include <string_view>

#include "api/v2/call.h"

namespace berth::api::v2 {

// What a caller must be allowed to do before the endpoint runs: an action on the repository of the path, on the
// catalog, or nothing but be known.
enum class Access { known, catalog, pull, push, remove };

// Errors: any; what the client sees of them is errors.h's.
using Answer = Result<http::Response> (*)(Call& call);

struct Endpoint {
  std::string_view method; // GET stands for HEAD too
  std::string_view pattern;
  Access access;
  Answer answer;
};

std::span<const Endpoint> endpoints();

// base.cc
Result<http::Response> check_version(Call& call);
// catalog.cc
Result<http::Response> list_repositories(Call& call);
// tags.cc
Result<http::Response> list_tags(Call& call);
// manifests.cc
Result<http::Response> get_manifest(Call& call);
Result<http::Response> put_manifest(Call& call);
Result<http::Response> delete_manifest(Call& call);
// referrers.cc
Result<http::Response> list_referrers(Call& call);
// blobs.cc
Result<http::Response> get_blob(Call& call);
Result<http::Response> delete_blob(Call& call);
// uploads.cc
Result<http::Response> start_upload(Call& call);
Result<http::Response> get_upload(Call& call);
Result<http::Response> append_to_upload(Call& call);
Result<http::Response> finish_upload(Call& call);
Result<http::Response> cancel_upload(Call& call);

} // namespace berth::api::v2
