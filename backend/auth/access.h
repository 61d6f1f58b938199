// AccessController: who a request comes from, and whether that caller may do what the request does. It decides, and
// knows no HTTP beyond the values of Authorization and WWW-Authenticate: the pipeline (api/api.h) asks it once for
// every request of every face, and turns a Refusal into the face's reply. Spec: RFC 7235, RFC 7617 (Basic), RFC 6750
// (Bearer); docker/distribution, docs/spec/auth.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/waiting.h"
#include "model/names.h"

namespace berth::auth {

// The right that an endpoint's row asks for: pull, push and remove on the repository of the path (for a v1 image: on a
// repository that has it), catalog on the list of repositories, known only a verified caller. With nothing, not even
// credentials are looked at.
enum class Right { nothing, known, catalog, pull, push, remove };

// Whether a right is one to change what is stored.
constexpr bool changes(Right right) { return right == Right::push || right == Right::remove; }

// One action on one resource, as docker's tokens and challenges name it: repository:team/app:pull.
struct Access {
  std::string type; // "repository" or "registry"
  std::string name;
  std::string action; // pull, push, delete, *

  bool operator==(const Access&) const = default;
};

// What somebody was given for a part of what the rules let him do.
struct Bound {
  std::string action;     // as a rule's `may`: pull, add, push, delete, all
  std::string repository; // a pattern, as of a rule

  bool operator==(const Bound&) const = default;
};

// Who a request comes from.
struct Caller {
  // The kind of identity. The names of the kinds are distinct: "robot:ci" cannot be a user of an htpasswd file.
  enum class Kind { user, robot, workload, certificate };

  // Verified; as logs and events show it: "alice", "robot:ci", "ISSUER:SUBJECT" of a workload's token, "cert:NAME".
  // Empty for an anonymous caller, whatever the kind.
  std::string user = {};
  // A short text that changes when the caller's credential does (another password, for one); the credential does not
  // follow from it.
  std::string stamp = {};
  Kind kind = Kind::user;
  std::vector<std::string> groups = {};           // that the source of the identity says (LDAP)
  std::string issuer = {};                        // of a workload: the issuer's name in the configuration
  std::map<std::string, std::string> claims = {}; // of a workload: those that rules may ask for
  std::vector<Bound> bounds = {};                 // what rules allow is allowed within one of these; empty: all of it

  bool is_nobody() const { return user.empty(); }
};

// The credentials that a request brings. Borrows: the request.
struct Credentials {
  std::string_view authorization = {}; // the header's value; empty if the request has none
  std::string_view address = {};       // of the peer of nginx
  const Caller* vouched = nullptr;     // by a token of ours that came in place of a password, already verified
  std::string_view certificate = {};   // PEM, of the client, as nginx has verified it; empty: none
  // When the request came. A body may take longer than a token lives, and is not judged by the clock again.
  Time time = {};
  // How the request waits; null: with its thread. If it has left, the refusal means nothing (base/waiting.h).
  Waiting* waiting = nullptr;
};

struct Question {
  Credentials credentials;
  // The accesses that docker/distribution asks for, all of them; empty if any known caller is enough.
  std::span<const Access> needed = {};
  std::string_view origin = {}; // scheme://host[:port] of this registry, as the client sees it
  // The right that berth's own rules ask for: the endpoint's, on this repository (empty if the path names none).
  Right right = Right::known;
  std::string_view repository = {};
  // What the client knows, and is asked for: those of the v1 API know no Bearer tokens.
  enum class Scheme { bearer, basic } scheme = Scheme::bearer;
};

struct Grant {
  Caller caller;
  // Whether the caller may pull from a repository that the question did not name; null: from all of them.
  std::function<bool(const model::RepositoryName&)> may_pull = nullptr;
  // Whether a tag that is there may be pointed to another manifest.
  bool may_move_tags = true;
  // Until when the same value of Authorization gets the same answer to the same question, if nothing else decided, and
  // if it may be given some minutes late: what ends the right earlier is not noticed at once. Empty: to be asked each
  // time.
  std::optional<std::chrono::sys_seconds> good_until = std::nullopt;
};

// The error: unauthorized (401), denied (403), too_many_requests (429), or unavailable (503) if credentials cannot be
// checked now. Its detail is empty: the pipeline writes what was needed.
struct Refusal {
  Error error;
  std::string challenge = {}; // the value of WWW-Authenticate; empty: none
  std::string user = {};      // who was refused, if that was verified (Caller::user)
};

class AccessController {
public:
  virtual ~AccessController() = default;
  // Threads: safe.
  virtual std::expected<Grant, Refusal> authorize(const Question& question) = 0;
};

// A question to the token service: GET or POST of /v2/token. Spec: docker/distribution, docs/spec/auth
// (token, oauth).
struct TokenRequest {
  Credentials credentials;              // of a POST: what its form says, as the header that says the same
  std::string_view refresh_token = {};  // instead of credentials
  std::string_view account = {};        // as sent
  std::vector<std::string> scopes = {}; // each "repository:NAME:ACTION[,ACTION...]"; empty: a login
  bool offline = false;                 // a refresh token is asked for
  std::string_view origin = {};
};

struct IssuedToken {
  std::string token;
  std::string user; // whose it is: Caller::user
  std::chrono::seconds lifetime{};
  Time issued = {};
  std::string refresh_token = {}; // empty: none
};

class TokenService {
public:
  virtual ~TokenService() = default;
  // A token for what of the scopes the caller may do, which may be nothing. Refusals: as authorize; bad_request for
  // scopes that cannot be read. Threads: safe.
  virtual std::expected<IssuedToken, Refusal> issue(const TokenRequest& request) = 0;
};

} // namespace berth::auth
