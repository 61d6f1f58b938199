// The endpoints of the v1 API: the table from method and path to the function that answers, one file a family.
// A slash at the end of a path makes no difference.
// Spec: docker-registry 0.9 (index and registry in one host); docker 0.6 to 1.5, package registry.
#pragma once

#include <span>
#include <string_view>

#include "api/v1/call.h"

namespace berth::api::v1 {

// What a caller must be allowed to do before the endpoint runs: on the repository of the path or, for an image, on one
// that has it. anybody: not even a token is looked at.
enum class Access { anybody, known, pull, push, remove };

// Errors: any; what the client sees of them is v1_error_response's.
using Answer = Result<http::Response> (*)(Call& call);

struct Endpoint {
  std::string_view method; // GET stands for HEAD too
  std::string_view pattern;
  Access access;
  Answer answer;
};

std::span<const Endpoint> endpoints();

// base.cc
Result<http::Response> ping(Call& call);
Result<http::Response> check_login(Call& call);
Result<http::Response> create_user(Call& call);
Result<http::Response> change_user(Call& call);
// search.cc
Result<http::Response> search(Call& call);
// repositories.cc
Result<http::Response> put_repository(Call& call);
Result<http::Response> delete_repository(Call& call);
Result<http::Response> get_images(Call& call);
Result<http::Response> put_images(Call& call);
Result<http::Response> delete_images(Call& call);
Result<http::Response> get_properties(Call& call);
Result<http::Response> put_properties(Call& call);
Result<http::Response> check_token(Call& call);
Result<http::Response> check_layer_access(Call& call);
// tags.cc
Result<http::Response> list_tags(Call& call);
Result<http::Response> get_tag(Call& call);
Result<http::Response> put_tag(Call& call);
Result<http::Response> delete_tag(Call& call);
Result<http::Response> describe_tag(Call& call);
Result<http::Response> describe_repository(Call& call);
// images.cc
Result<http::Response> get_json(Call& call);
Result<http::Response> get_ancestry(Call& call);
Result<http::Response> get_layer(Call& call);
// files.cc
Result<http::Response> get_files(Call& call);
Result<http::Response> get_diff(Call& call);
// push.cc
Result<http::Response> put_json(Call& call);
Result<http::Response> put_layer(Call& call);
Result<http::Response> put_checksum(Call& call);

} // namespace berth::api::v1
