#include "api/api.h"

#include <exception>

#include "api/errors.h"
#include "api/locations.h"
#include "api/v1/face.h"
#include "api/v2/endpoints.h"
#include "base/log_context.h"
#include "http/limits.h"
#include "http/router.h"
#include "http/url.h"

namespace berth::api {
namespace {

// As docker/distribution answers what is no registry's: without JSON.
http::Response plain_not_found() {
  http::Response response;
  response.status = 404;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = "404 page not found\n";
  return response;
}

// GET /, which load balancers ask to see whether anybody is there.
http::Response alive() {
  http::Response response;
  response.headers.add("Cache-Control", "no-cache");
  return response;
}

http::Response wrong_method(const http::Request& request, std::string allow) {
  http::Response response;
  if (request.method != "OPTIONS") response = error_response({Code::unsupported, {}, {}});
  response.headers.add("Allow", std::move(allow));
  return response;
}

// Everything that writes, while storage.maintenance.readonly is on.
http::Response read_only(const v2::Endpoint& endpoint) {
  http::Response response = error_response({Code::unsupported, {}, {}});
  const std::string methods = http::methods_of(v2::endpoints(), endpoint.pattern);
  response.headers.add("Allow", methods.starts_with("GET") ? "GET, HEAD" : "");
  return response;
}

http::Response moved(const Locations& locations, std::string_view path, std::string_view query) {
  http::Response response;
  response.status = 301;
  std::string location = locations.relative(http::encode_path(path.substr(1)));
  if (!query.empty()) location.append("?").append(query);
  response.headers.add("Location", std::move(location));
  return response;
}

bool lies_in(std::string_view path, std::string_view base) {
  return path.starts_with(base) && (path.size() == base.size() || path[base.size()] == '/');
}

// The release of docker-registry whose manners the v1 face has. Docker before 0.10 does not go on without it.
constexpr std::string_view v1_version = "0.9.1";

std::string_view raw_path(const http::Request& request) { return http::split_target(request.target).path; }

} // namespace

Api::Api(registry::Registry& registry, Options options, const Clock& clock, Logger& logger,
         std::optional<V1Services> services, EventSettings events)
    : registry_(registry),
      options_(std::move(options)),
      upload_states_(options_.secret),
      v1_(options_.faces == Options::Faces::v2 ? std::nullopt : services),
      v1_tokens_(options_.secret, clock),
      clock_(clock),
      logger_(logger),
      events_(std::move(events)) {}

http::Response Api::handle(http::Request& request) {
  const LogContext context(request.trace.id);
  http::Response response;
  try {
    auto answered = answer(request);
    response = answered ? *std::move(answered) : failure(request, answered.error());
  } catch (const std::exception& thrown) {
    response = failure(request, {Code::unknown, thrown.what(), {}});
  }
  finish(request, response);
  return response;
}

http::Response Api::refuse(const http::Request& request, const Error& why) {
  const LogContext context(request.trace.id);
  http::Response response = failure(request, why);
  finish(request, response);
  return response;
}

Result<http::Response> Api::answer(http::Request& request) {
  if (request.target.size() > http::max_target_bytes) return fail(Code::bad_request, {}, "the target is too long");
  const auto [encoded_path, query] = http::split_target(request.target);
  BERTH_TRY(std::string path, http::decode_path(encoded_path));
  if (path == "/") {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    return reads ? alive() : wrong_method(request, "GET, HEAD");
  }
  if (!path.starts_with(options_.prefix)) return plain_not_found();
  path.erase(0, options_.prefix.size() - 1);
  if (lies_in(path, "/v2") && options_.faces != Options::Faces::v1) return answer_v2(request, path, query);
  if ((lies_in(path, "/v1") || path == "/_ping") && v1_) return answer_v1(request, std::move(path), query);
  return plain_not_found();
}

Result<http::Response> Api::answer_v1(http::Request& request, std::string path, std::string_view query) {
  request.trace.go_to("v1");
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (options_.read_only && !reads && !lies_in(path, "/v1/users")) return fail(Code::unsupported); // those are logins
  const v1::Context context{registry_, v1_->images, v1_->tags, options_, v1_tokens_, clock_};
  return v1::answer(context, request, std::move(path), query);
}

Result<http::Response> Api::answer_v2(http::Request& request, const std::string& path, std::string_view query) {
  using Routed = http::Routed<v2::Endpoint>;
  Routed routed = http::route(v2::endpoints(), request.method, path);
  const Locations locations(options_, request);
  switch (routed.to) {
  case Routed::To::nowhere: return fail(Code::route_unknown);
  case Routed::To::moved: return moved(locations, routed.location, query);
  case Routed::To::wrong_method: return wrong_method(request, std::move(routed.allow));
  case Routed::To::row: break;
  }
  request.trace.go_to(routed.row->name);
  if (options_.read_only && routed.row->method != "GET") return read_only(*routed.row);

  std::unique_ptr<registry::Repository> repository;
  if (const std::string& text = routed.parameters.get("name"); !text.empty()) {
    BERTH_TRY(const auto name, model::RepositoryName::parse(text));
    request.trace.repository = name.str();
    repository = registry_.repository(name);
  }
  // Access control asks here, before the endpoint runs: routed.row->access on the repository, or on the catalog.
  v2::Call call{registry_,
                options_,
                upload_states_,
                clock_,
                v1_ ? &v1_->tags : nullptr,
                request,
                http::Query::parse(query),
                std::move(routed.parameters),
                locations,
                std::move(repository),
                RequestEvents(events_, request, locations, clock_)};
  auto answered = routed.row->answer(call);
  if (!answered && is(answered.error(), Code::unsupported)) {
    // Switched off by configuration, and RFC 9110 wants Allow with a 405.
    http::Response response = error_response(answered.error());
    response.headers.add("Allow", http::methods_of(v2::endpoints(), routed.row->pattern, request.method));
    return response;
  }
  return answered;
}

http::Response Api::failure(const http::Request& request, const Error& error) {
  if (is_internal(error.code))
    logger_.error("request failed", {{"method", request.method},
                                     {"path", std::string(raw_path(request))}, // the query holds upload states
                                     {"error", error.message.empty() ? "no message" : error.message}});
  return face_of(request) == Face::v1 ? v1_error_response(error) : error_response(error);
}

void Api::finish(const http::Request& request, http::Response& response) const {
  switch (face_of(request)) {
  case Face::v2: response.headers.set("Docker-Distribution-Api-Version", "registry/2.0"); break;
  case Face::v1: response.headers.set("X-Docker-Registry-Version", std::string(v1_version)); break;
  case Face::none: break;
  }
  if (request.method != "HEAD" || response.length_of_get) return;
  if (const auto* body = std::get_if<std::string>(&response.body)) {
    response.length_of_get = body->size();
    response.body = std::string();
  }
}

// Also for paths that cannot be decoded, whose beginning decides then.
Api::Face Api::face_of(const http::Request& request) const {
  const std::string_view encoded = raw_path(request);
  std::string decoded;
  if (encoded.contains('%')) decoded = http::decode_path(encoded).value_or(std::string(encoded));
  const std::string_view path = encoded.contains('%') ? decoded : encoded;
  if (lies_in(path, options_.prefix + "v2")) return options_.faces == Options::Faces::v1 ? Face::none : Face::v2;
  const bool is_v1 = lies_in(path, options_.prefix + "v1") || path == options_.prefix + "_ping";
  return is_v1 && v1_ ? Face::v1 : Face::none;
}

} // namespace berth::api
