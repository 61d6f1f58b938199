// AccessController: who a request comes from, and whether that caller may do what the request does. It decides, and
// knows no HTTP beyond the values of Authorization and WWW-Authenticate: the pipeline (api/api.h) asks it once for
// every request of every face, and turns a Refusal into the face's reply. Spec: RFC 7235, RFC 7617 (Basic), RFC 6750
// (Bearer); docker/distribution, docs/spec/auth.
#pragma once

#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/names.h"

namespace berth::auth {

// What an endpoint's row asks for: pull, push and remove on the repository of the path (for a v1 image: on a repository
// that has it), catalog on the list of repositories, known to be somebody. nothing: not even credentials are looked at.
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

// Who a request comes from. The stamp is a short text that changes when the caller's credential does (another password,
// for one); the caller's password does not follow from it.
struct Caller {
  std::string user; // verified; empty: nobody in particular
  std::string stamp = {};
};

// What a request brings to say who it comes from. Borrows: the request.
struct Credentials {
  std::string_view authorization = {}; // the header's value; empty if there is none
  std::string_view address = {};       // of the peer of nginx
  const Caller* vouched = nullptr;     // by a token of ours that came in place of a password, already verified
  // When the request came. A body may take longer than a token lives, and is not judged by the clock again.
  Time time = {};
  // Called before the controller waits or computes for long, once or more; null: nobody has to know.
  const std::function<void()>* takes_long = nullptr;
};

struct Question {
  Credentials credentials;
  std::span<const Access> needed; // all of them; empty: it is enough to be somebody
  std::string_view origin = {};   // scheme://host[:port] of this registry, as the client sees it
};

struct Grant {
  Caller caller;
  // Whether the caller may pull from a repository that the question did not name; null: from all of them.
  std::function<bool(const model::RepositoryName&)> may_pull = nullptr;
};

// The error: unauthorized (401), denied (403), too_many_requests (429), or unavailable (503) if credentials cannot be
// checked now. Its detail is empty: the pipeline writes what was needed.
struct Refusal {
  Error error;
  std::string challenge = {}; // the value of WWW-Authenticate; empty: none
};

class AccessController {
public:
  virtual ~AccessController() = default;
  // Threads: safe.
  virtual std::expected<Grant, Refusal> authorize(const Question& question) = 0;
};

} // namespace berth::auth
