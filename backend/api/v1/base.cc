// GET /v1/_ping, by which clients recognise the registry, and /v1/users, by which `docker login` checks a password.
#include <nlohmann/json.hpp>

#include "api/v1/endpoints.h"

namespace berth::api::v1 {

Outcome ping(Call&) {
  http::Response response = json_reply("{}");
  // Standalone: this is index and registry in one, and takes a password with every request over https.
  response.headers.add("X-Docker-Registry-Standalone", "True");
  return response;
}

// Access control, if there is any, has let the caller in.
Outcome check_login(Call&) { return json_reply("\"OK\""); }

// The API creates no accounts: the operator does. Without access control docker gets a success, and keeps the name and
// the password that the user gave it.
Outcome create_user(Call& call) {
  BERTH_TRY(const std::string body, read_body(call));
  const auto document = nlohmann::json::parse(body, nullptr, false);
  if (!document.is_object()) return fail(Code::bad_request, "Error Decoding JSON");
  for (const char* name : {"username", "password", "email"})
    if (const auto member = document.find(name); member == document.end() || !member->is_string())
      return fail(Code::bad_request, "Missing " + std::string(name));
  // Docker then asks whether the password is the account's, by check_login.
  if (call.services.has_accounts) return json_reply("\"Username or email already exists\"", 400);
  return json_reply("\"User Created\"", 201);
}

Outcome change_user(Call&) { return json_reply("", 204); }

} // namespace berth::api::v1
