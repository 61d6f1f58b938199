// Rules: what berth.access lets whom do with which repositories. Rules only add: what no rule allows is not allowed,
// and their order means nothing. A value; threads: safe once made.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access.h"
#include "base/result.h"

namespace berth::auth {

// The rights on one repository.
struct Rights {
  bool pull = false;
  bool add = false;    // push, but no tag that exists is moved; has pull
  bool push = false;   // has pull and add
  bool remove = false; // manifests, tags, blobs
  bool all = false;    // has the others; and berth's own pages for operators

  Rights operator|(const Rights& other) const;
  bool operator==(const Rights&) const = default;
};

// A rule as the configuration has it.
struct WrittenRule {
  std::string origin; // file, line and key, for messages
  // anyone | signed-in | GROUP | user:NAME | robot:NAME | cert:GLOB | token:ISSUER [CLAIM=GLOB ...]; anyone has
  // everybody who is signed in; in a GLOB * stands for any characters but a slash, ** for any.
  std::string who;
  std::vector<std::string> repositories; // as model::RepositoryPattern reads them
  std::vector<std::string> may;          // pull, add, push, delete, all
};

struct WrittenRules {
  std::map<std::string, std::vector<std::string>> groups; // members: NAME, user:NAME, robot:NAME, cert:NAME
  std::vector<WrittenRule> rules;
  std::vector<std::string> issuers;   // names that token: may use
  bool groups_from_elsewhere = false; // a directory has groups too: an unknown group is no mistake then
  std::map<std::string, std::string> group_origins = {}; // of some groups, for messages
  // The claims that an issuer's tokens bring: token: may use no others. An issuer that is not in it: any.
  std::map<std::string, std::vector<std::string>> claims = {};
};

class Rules {
public:
  // Errors: invalid; the message begins with the origin of the rule or group and says what is allowed: an unknown
  // group, action or form of who, a pattern that no valid repository name can match, {user} in a rule for those who
  // have no such name, a group nobody is in, a group within a group.
  static Result<Rules> make(const WrittenRules& written);

  // The repository: a valid name. Linear in the patterns: a tenth of a microsecond for each, or two.
  Rights of(const Caller& caller, std::string_view repository) const;

  // What the caller may do with one repository or another: for an image of v1, whose path names none.
  Rights anywhere(const Caller& caller) const;

  // Whether nobody in particular may do anything anywhere.
  bool let_anyone_in() const;
  // Whether an anonymous caller may pull from every repository.
  bool let_anyone_pull_all() const;

  // For `berth access`: the numbers of the rules that give the caller something there, in their order.
  std::vector<std::size_t> reasons(const Caller& caller, std::string_view repository) const;

private:
  struct Rule;
  explicit Rules(std::vector<Rule> rules);

  std::shared_ptr<const std::vector<Rule>> rules_;
};

} // namespace berth::auth
