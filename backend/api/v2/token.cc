// /v2/token: the built-in token service. GET with Basic or without credentials, as docker has it, and POST of a form as
// OAuth 2 has it. Spec: docker/distribution, docs/spec/auth (token, oauth); RFC 6749 sections 4.3, 5 and 6.
#include <nlohmann/json.hpp>
#include <openssl/crypto.h>

#include <algorithm>

#include "api/v2/endpoints.h"
#include "base/encoding.h"

namespace berth::api::v2 {
namespace {

constexpr std::size_t max_form_bytes = 64 * 1024;

// A text that is a secret, or holds one: overwritten when it goes.
struct Secret {
  std::string text;

  explicit Secret(std::string of) : text(std::move(of)) {}
  Secret(const Secret&) = delete;
  ~Secret() { OPENSSL_cleanse(text.data(), text.size()); }
};

// All parameters of that name, each with as many scopes as blanks part.
std::vector<std::string> scopes_of(const http::Query& parameters) {
  std::vector<std::string> scopes;
  for (const auto& [name, value] : parameters.pairs()) {
    if (name != "scope") continue;
    for (std::string_view rest = value; !rest.empty();) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (end > 0) scopes.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return scopes;
}

http::Response reply_with(const nlohmann::ordered_json& document, int status) {
  http::Response response = json_response(document.dump() + "\n");
  response.status = status;
  response.headers.add("Cache-Control", "no-store");
  return response;
}

// What RFC 6749 section 5.2 answers to a form that is wrong whoever sent it.
http::Response wrong_form(std::string_view error, std::string_view description) {
  return reply_with({{"error", error}, {"error_description", description}}, 400);
}

Outcome issue(Call& call, auth::TokenRequest request) {
  const std::string origin = call.locations.origin();
  request.origin = origin;
  auto issued = call.services.tokens->issue(request);
  if (!issued) {
    http::Headers headers;
    headers.add("Cache-Control", "no-store");
    if (!issued.error().challenge.empty()) headers.add("WWW-Authenticate", std::move(issued.error().challenge));
    return fail_with(std::move(issued.error().error), std::move(headers));
  }
  call.request.trace.user = issued->user;
  nlohmann::ordered_json reply{{"token", issued->token},
                               {"access_token", issued->token},
                               {"expires_in", issued->lifetime.count()},
                               {"issued_at", to_rfc3339(issued->issued)}};
  if (!issued->refresh_token.empty()) reply["refresh_token"] = issued->refresh_token;
  return reply_with(reply, 200);
}

// The value of Authorization that says the same as a form.
std::string basic_of(std::string_view user, std::string_view password) {
  const Secret pair(std::string(user).append(":").append(password));
  std::string text = to_base64url(pair.text);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  return "Basic " + text;
}

Result<std::string> form_of(const Call& call) {
  if (call.request.body_too_large || call.request.body.size() > max_form_bytes)
    return fail(Code::bad_request, {}, "the form is larger than 64 KiB");
  std::string text;
  text.reserve(call.request.body.size());
  BERTH_CHECK(call.request.body.read([&](std::span<const std::byte> piece) -> Result<> {
    text += as_text(piece);
    return {};
  }));
  return text;
}

} // namespace

Outcome get_token(Call& call) {
  auth::TokenRequest request{.credentials = credentials_of(call.request, call.services.clock)};
  request.account = call.query.get("account");
  request.scopes = scopes_of(call.query);
  request.offline = call.query.get("offline_token") == "true";
  return issue(call, std::move(request));
}

Outcome post_token(Call& call) {
  BERTH_TRY(std::string text, form_of(call));
  const Secret sent(std::move(text));
  const http::Query form = http::Query::parse(sent.text);
  const std::string_view type = form.get("grant_type");
  auth::TokenRequest request{.credentials = credentials_of(call.request, call.services.clock)};
  request.scopes = scopes_of(form);
  request.offline = form.get("access_type") == "offline";
  if (type == "refresh_token") {
    request.credentials.authorization = {};
    request.refresh_token = form.get("refresh_token");
    if (request.refresh_token.empty()) return wrong_form("invalid_request", "refresh_token is missing");
    return issue(call, std::move(request));
  }
  if (type.empty()) return wrong_form("invalid_request", "grant_type is missing");
  if (type != "password") return wrong_form("unsupported_grant_type", "grant_type is password or refresh_token");
  const Secret credentials(basic_of(form.get("username"), form.get("password")));
  request.credentials.authorization = credentials.text;
  return issue(call, std::move(request));
}

} // namespace berth::api::v2
