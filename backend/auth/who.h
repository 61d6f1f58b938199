// Who: whom a rule is for, and the groups that rules name.
// Threads: safe once made.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/access.h"
#include "base/result.h"

namespace berth::auth {

// What the members of a group and the subjects of rules may be, for messages.
inline constexpr std::string_view member_forms = "NAME or user:NAME, robot:NAME, cert:NAME";
inline constexpr std::string_view who_forms =
    "anyone, signed-in, a group, user:NAME, robot:NAME, cert:GLOB, token:ISSUER [CLAIM=GLOB ...]";

inline constexpr std::size_t max_subject_bytes = 255; // of a user's name

// A caller's kind, and the name as Caller::user has it.
using Members = std::set<std::pair<Caller::Kind, std::string>>;
using Groups = std::map<std::string, std::shared_ptr<const Members>, std::less<>>;

// Whether a group may be called so: not empty, no colon, no control characters, no word that means something else.
bool is_group_name(std::string_view text);

// The groups with their members, each as member_forms has it.
// Errors: invalid; the message is `NAME: "member": allowed is ...`.
Result<std::shared_ptr<const Members>> members_of(const std::vector<std::string>& written,
                                                  const std::vector<std::string>& group_names);

class Who {
public:
  struct Known {
    const Groups& groups;
    std::span<const std::string> issuers;
    const std::map<std::string, std::vector<std::string>>& claims; // of an issuer that is not in it: any
    bool groups_from_elsewhere;
  };
  // Errors: invalid; the message says what is allowed.
  static Result<Who> parse(std::string_view text, const Known& known);

  bool includes(const Caller& caller) const;
  bool is_anyone() const { return form_ == Form::anyone; }
  // Whether a caller that this includes can have a name for {user} to stand for.
  bool may_be_user() const;

private:
  enum class Form { anyone, signed_in, group, one, certificate, token };

  static Result<Who> parse_token(std::string_view text, const Known& known);
  static Result<Who> parse_group(std::string_view text, const Known& known);

  Form form_ = Form::anyone;
  Caller::Kind kind_ = Caller::Kind::user;                  // of one
  std::string name_;                                        // of a group, one, an issuer; a certificate's glob
  std::shared_ptr<const Members> members_;                  // of a group; null: it is a directory's
  std::vector<std::pair<std::string, std::string>> claims_; // of a token, each with its glob
};

// The user's name where {user} may stand for it: it is one component of a repository's name. Else empty.
std::string_view user_component(const Caller& caller);

} // namespace berth::auth
