#include "api/v1/face.h"

#include "api/errors.h"
#include "api/v1/endpoints.h"
#include "http/headers.h"

namespace berth::api::v1 {
namespace {

bool writes(Access access) { return access == Access::push || access == Access::remove; }

// What a client sends as a token must be one, for this repository and this action. Without a token the request is as
// good as one with a password, or without: access control asks here, in every case, for call's repository or for those
// that may_read has to name.
Result<> authorize(const Call& call, Access access) {
  constexpr std::string_view scheme = "token";
  const std::string_view header = http::trim(call.header("Authorization"));
  if (access == Access::anybody || header.size() <= scheme.size()) return {};
  if (!http::equal_ignoring_case(header.substr(0, scheme.size()), scheme) || header[scheme.size()] != ' ') return {};
  BERTH_TRY(const Token token, call.tokens.verify(header));
  if (call.repository && call.repository->name().str() != token.repository)
    return fail(Code::denied, "The token is for another repository");
  if (writes(access) && token.access != TokenAccess::write)
    return fail(Code::denied, "The token does not allow to write");
  return {};
}

} // namespace

Result<http::Response> answer(const Context& context, http::Request& request, std::string path,
                              std::string_view query) {
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  using Routed = http::Routed<Endpoint>;
  Routed routed = http::route(endpoints(), request.method, path);
  if (routed.to == Routed::To::wrong_method) {
    http::Response response = v1_error_response({Code::unsupported, "Method not allowed", {}});
    response.headers.add("Allow", std::move(routed.allow));
    return response;
  }
  if (routed.to != Routed::To::row) return fail(Code::route_unknown, "Not found");

  std::unique_ptr<registry::Repository> repository;
  if (const std::string& text = routed.parameters.get("name"); !text.empty()) {
    BERTH_TRY(const auto name, repository_name(text));
    repository = context.registry.repository(name);
  }
  Call call{context.registry,
            context.images,
            context.tags,
            context.options,
            context.tokens,
            context.clock,
            request,
            http::Query::parse(query),
            std::move(routed.parameters),
            std::move(repository),
            nullptr};
  auto allowed = authorize(call, routed.row->access);
  if (!allowed && is(allowed.error(), Code::unauthorized)) {
    http::Response response = v1_error_response(allowed.error());
    response.headers.add("WWW-Authenticate", "Token");
    return response;
  }
  BERTH_CHECK(std::move(allowed));
  return routed.row->answer(call);
}

} // namespace berth::api::v1
