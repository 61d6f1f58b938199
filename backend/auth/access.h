// AccessController: who a request comes from, and what that caller may do. It decides, and knows no HTTP: the pipeline
// (api/api.h) asks it for every request of every face, and turns its errors into replies.
// Threads: safe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/names.h"

namespace berth::auth {

// What a caller needs before an endpoint runs: pull, push and remove on the repository of the path (for a v1 image: on
// a repository that has it), catalog on the list of repositories, known to be somebody. nothing: not even credentials
// are looked at.
enum class Right { nothing, known, catalog, pull, push, remove };

// Whether a right is one to change what is stored.
constexpr bool changes(Right right) { return right == Right::push || right == Right::remove; }

// What a request brings to say who it comes from. Borrows: the request.
struct Credentials {
  std::string_view authorization; // the header's value; empty if there is none
  std::string_view address;       // of the peer of nginx
};

struct Caller {
  std::string user; // verified; empty: nobody in particular
};

class AccessController {
public:
  virtual ~AccessController() = default;
  // Errors: unauthorized for credentials that are wrong; unavailable if they cannot be checked now.
  virtual Result<Caller> identify(const Credentials& credentials) = 0;
  // repository: the one of the path; null if the endpoint has none.
  // Errors: unauthorized if somebody who is known might be allowed; denied.
  virtual Result<> decide(const Caller& caller, Right right, const model::RepositoryName* repository) = 0;
  // Whether the caller may pull from every repository, so that listings need not ask for each.
  virtual bool may_read_all(const Caller& caller) = 0;
};

// No access control: everybody may do everything, and nobody is known by name.
class Everybody final : public AccessController {
public:
  Result<Caller> identify(const Credentials&) override { return Caller{}; }
  Result<> decide(const Caller&, Right, const model::RepositoryName*) override { return {}; }
  bool may_read_all(const Caller&) override { return true; }
};

} // namespace berth::auth
