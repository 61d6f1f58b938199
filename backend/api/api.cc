#include "api/api.h"

#include <exception>

#include "api/errors.h"
#include "api/observed_repository.h"
#include "api/root.h"
#include "api/v1/face.h"
#include "api/v2/face.h"
#include "base/log_context.h"
#include "http/limits.h"
#include "http/router.h"
#include "http/url.h"

namespace berth::api {
namespace {

using Routed = http::Routed<Endpoint>;

bool reads(std::string_view method) { return method == "GET" || method == "HEAD"; }

std::vector<Face> faces_of(const Options& options, const Services& services) {
  std::vector<Face> faces;
  if (options.faces != Options::Faces::v1)
    faces.push_back(v2::face(services.tokens != nullptr ? v2::TokenRows::served : v2::TokenRows::absent));
  if (services.v1_tags != nullptr) faces.push_back(v1::face());
  return faces;
}

http::Response moved(const Locations& locations, std::string_view path, std::string_view query) {
  http::Response response;
  response.status = 301;
  std::string location = locations.relative(http::encode_path(path.substr(1)));
  if (!query.empty()) location.append("?").append(query);
  response.headers.add("Location", std::move(location));
  return response;
}

Outcome wrong_method(const Face& face, std::string_view method, std::string allow) {
  http::Headers headers;
  headers.add("Allow", std::move(allow));
  if (method != "OPTIONS") return fail_with({Code::unsupported, std::string(face.no_such_method), {}}, headers);
  http::Response response;
  response.headers = std::move(headers);
  return response;
}

// Everything that writes, while storage.maintenance.readonly is on.
Outcome read_only(const Face& face, const Endpoint& row) {
  http::Headers headers;
  headers.add("Allow", http::methods_of(face.endpoints, row.pattern).starts_with("GET") ? "GET, HEAD" : "");
  return fail_with({Code::unsupported, {}, {}}, std::move(headers));
}

// Returns the accesses that docker/distribution asks for, by the method; a mount also pulls from its source.
std::vector<auth::Access> accesses_of(const Endpoint& row, const std::string& repository, std::string_view method,
                                      const http::Query& query) {
  std::vector<auth::Access> needed;
  if (row.right == Right::catalog) return {{"registry", "catalog", "*"}};
  if (row.right == Right::known || repository.empty() || method == "OPTIONS") return needed;
  const bool writes = method == "POST" || method == "PUT" || method == "PATCH";
  if (reads(method) || writes) needed.push_back({"repository", repository, "pull"});
  if (writes) needed.push_back({"repository", repository, "push"});
  if (method == "DELETE") needed.push_back({"repository", repository, "delete"});
  if (query.has("from")) needed.push_back({"repository", std::string(query.get("from")), "pull"});
  return needed;
}

registry::MayRead may_read_of(const auth::Grant& grant) {
  if (grant.may_pull == nullptr) return nullptr;
  return [&grant](const model::RepositoryName& name) -> Result<bool> { return grant.may_pull(name); };
}

std::string_view raw_path(const http::Request& request) { return http::split_target(request.target).path; }

} // namespace

auth::Credentials credentials_of(http::Request& request, const Clock& clock) {
  if (!request.judged_at) request.judged_at = clock.now();
  return {.authorization = request.headers.get("Authorization"),
          .address = request.remote_addr,
          .certificate = request.client_certificate,
          .time = *request.judged_at,
          .waiting = &request.waiting};
}

Outcome takes_small_body(Call&) { return http::takes(http::TakesBody::small); }

Api::Api(Parts parts, Options options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      upload_states_(options_.secret),
      v1_tokens_(options_.secret, parts_.clock),
      services_{parts_.registry,
                options_,
                parts_.clock,
                upload_states_,
                v1_tokens_,
                parts_.v1 && options_.faces != Options::Faces::v2 ? &parts_.v1->images : nullptr,
                parts_.v1 && options_.faces != Options::Faces::v2 ? &parts_.v1->tags : nullptr,
                parts_.access != nullptr,
                parts_.debug,
                parts_.tokens},
      root_(root_face()),
      debug_(parts_.debug != nullptr ? debug::face(*parts_.debug) : root_face()),
      faces_(faces_of(options_, services_)) {
  if (parts_.metrics == nullptr) return;
  for (const Face& face : faces_) parts_.metrics->add_endpoints(face);
}

http::Response Api::handle(http::Request& request) {
  const LogContext context(request.trace.id);
  std::optional<debug::Metrics::Counted> counted;
  if (parts_.metrics != nullptr && !request.is_for_debug) counted.emplace(*parts_.metrics, request);
  Target target = target_of(request);
  if (counted) target.counted = &*counted;
  http::Response response;
  try {
    Outcome outcome = answer(request, target);
    if (request.waiting.awaited != nullptr) return response;
    response = outcome ? *std::move(outcome) : render(*target.face, request, std::move(outcome).error());
  } catch (const std::exception& thrown) {
    response = render(*target.face, request, Error{Code::unknown, thrown.what(), {}});
  }
  finish(*target.face, request, response);
  if (counted) counted->end(response);
  return response;
}

http::Response Api::refuse(const http::Request& request, const Error& why) {
  const LogContext context(request.trace.id);
  const Face& face = *target_of(request).face;
  http::Response response = render(face, request, why);
  finish(face, request, response);
  return response;
}

// By the endpoint's row; what has none is answered without one.
http::Cost Api::cost_of(http::Request& request) const {
  if (request.before_body) return Cost::quick; // every endpoint answers that from what it knows
  const Target target = target_of(request);
  const Endpoint* row = target.path ? http::row_of(target.face->endpoints, request.method, *target.path) : nullptr;
  request.routed = row;
  if (row != nullptr) return row->cost;
  return reads(request.method) ? Cost::quick : Cost::slow; // a body is read first
}

Api::Target Api::target_of(const http::Request& request) const {
  const auto [encoded, query] = http::split_target(request.target);
  auto path = http::decode_path(encoded);
  std::string text = path ? *path : std::string(encoded); // its beginning decides then
  const Face& face = face_of(request, text);
  if (!path) return {&face, std::unexpected(std::move(path).error()), query};
  if (face.ending == Face::Ending::ignored && text.size() > 1 && text.ends_with('/')) text.pop_back();
  return {&face, std::move(text), query};
}

// Takes http.prefix from a path that goes to a face below it.
const Face& Api::face_of(const http::Request& request, std::string& path) const {
  if (request.is_for_debug) return debug_;
  if (!path.starts_with(options_.prefix)) return root_;
  const std::string_view below = std::string_view(path).substr(options_.prefix.size() - 1);
  for (const Face& face : faces_) {
    if (!face.owns(below)) continue;
    path.erase(0, options_.prefix.size() - 1);
    return face;
  }
  return root_;
}

Outcome Api::answer(http::Request& request, Target& target) {
  const Face& face = *target.face;
  if (!request.is_for_debug && parts_.health != nullptr && !parts_.health->is_well())
    return fail(Code::unavailable, {}, "health check failed: please see /debug/health");
  if (target.counted != nullptr) target.counted->routed(face.counted_as);
  if (request.target.size() > http::max_target_bytes) return fail(Code::bad_request, {}, "the target is too long");
  BERTH_TRY(const std::string path, std::move(target.path));
  if (const auto* row = static_cast<const Endpoint*>(request.routed))
    return run(*row, *http::match(row->pattern, path), request, target);
  Routed routed = http::route(face.endpoints, request.method, path);
  switch (routed.to) {
  case Routed::To::moved:
    if (face.ending == Face::Ending::moved) return moved(Locations(options_, request), routed.location, target.query);
    [[fallthrough]];
  case Routed::To::nowhere: return fail(Code::route_unknown, std::string(face.no_such_endpoint));
  case Routed::To::wrong_method:
    BERTH_CHECK(authorize(*routed.row, routed.parameters.get("name"), request, http::Query::parse(target.query), face));
    return wrong_method(face, request.method, std::move(routed.allow));
  case Routed::To::row: break;
  }
  return run(*routed.row, std::move(routed.parameters), request, target);
}

Outcome Api::run(const Endpoint& row, http::PathParameters parameters, http::Request& request, const Target& target) {
  const Face& face = *target.face;
  if (target.counted != nullptr) target.counted->routed(row.name);
  BERTH_TRY(auto repository, repository_of(face, parameters, request));
  http::Query query = http::Query::parse(target.query);
  BERTH_TRY(const auth::Grant grant, authorize(row, repository ? repository->name().str() : "", request, query, face));
  if (options_.read_only && auth::changes(row.right) && !reads(row.method)) return read_only(face, row);
  const Locations locations(options_, request);
  RequestEvents events(parts_.events, request, locations, grant.caller, parts_.clock);
  Call call{services_,
            request,
            std::move(query),
            std::move(parameters),
            locations,
            grant.caller,
            may_read_of(grant),
            grant.may_move_tags ? registry::IfTagged::move : registry::IfTagged::refuse,
            events,
            observed(std::move(repository), events)};
  const bool asks_before = request.before_body && row.before_body != nullptr;
  Outcome outcome = asks_before ? row.before_body(call) : row.answer(call);
  if (outcome) {
    events.finish();
    // What has a digest is there; lists may be answered of what is not.
    const bool was_pulled = row.right == Right::pull && reads(request.method) && !request.trace.repository.empty() &&
                            outcome->headers.has("Docker-Content-Digest");
    if (parts_.pulls && was_pulled) parts_.pulls(request.headers.get("Authorization"), grant, request.trace.repository);
    return outcome;
  }
  // Switched off by configuration, and RFC 9110 wants Allow with a 405.
  Failure& failure = outcome.error();
  if (is(failure.error, Code::unsupported) && !failure.headers.has("Allow"))
    failure.headers.add("Allow", http::methods_of(face.endpoints, row.pattern, row.method));
  return outcome;
}

// Whether the caller may do what the request does, and who that is.
Attempt<auth::Grant> Api::authorize(const Endpoint& row, const std::string& repository, http::Request& request,
                                    const http::Query& query, const Face& face) {
  if (row.right == Right::nothing) return auth::Grant{};
  std::optional<auth::Caller> vouched;
  if (face.vouch != nullptr) {
    BERTH_TRY(vouched, face.vouch(services_, request, row, repository));
  }
  if (parts_.access == nullptr) return auth::Grant{};
  std::vector<auth::Access> needed = accesses_of(row, repository, request.method, query);
  const std::string origin = Locations(options_, request).origin();
  auth::Credentials credentials = credentials_of(request, parts_.clock);
  credentials.vouched = vouched ? &*vouched : nullptr;
  auto granted = parts_.access->authorize({credentials, needed, origin, row.right, repository, face.scheme});
  if (granted) {
    request.trace.user = granted->caller.user;
    // Then more than Authorization has decided.
    if (credentials.vouched != nullptr || !credentials.certificate.empty()) granted->good_until.reset();
    return *std::move(granted);
  }
  request.trace.user = std::move(granted.error().user);
  Failure failure(std::move(granted.error().error));
  if (!granted.error().challenge.empty()) failure.headers.add("WWW-Authenticate", std::move(granted.error().challenge));
  failure.needed = std::move(needed);
  return std::unexpected(std::move(failure));
}

// Null for a path without a {name...}. Errors: name_invalid.
Result<std::unique_ptr<registry::Repository>>
Api::repository_of(const Face& face, const http::PathParameters& parameters, http::Request& request) {
  const std::string& text = parameters.get("name");
  if (text.empty()) return nullptr;
  BERTH_TRY(const auto name, face.parse_name(text));
  request.trace.repository = name.str();
  return parts_.registry.repository(name);
}

http::Response Api::render(const Face& face, const http::Request& request, const Failure& failure) {
  const Error& error = failure.error;
  if (is_internal(error.code))
    parts_.logger.error("request failed", {{"method", request.method},
                                           {"path", std::string(raw_path(request))}, // the query holds upload states
                                           {"error", error.message.empty() ? "no message" : error.message}});
  http::Response response = face.render(failure);
  for (const auto& [name, value] : failure.headers.fields()) response.headers.add(name, value);
  return response;
}

void Api::finish(const Face& face, const http::Request& request, http::Response& response) const {
  if (!face.version_header.name.empty())
    response.headers.set(std::string(face.version_header.name), std::string(face.version_header.value));
  if (request.method != "HEAD" || response.length_of_get) return;
  if (const auto* body = std::get_if<std::string>(&response.body)) {
    response.length_of_get = body->size();
    response.body = std::string();
  }
}

} // namespace berth::api
