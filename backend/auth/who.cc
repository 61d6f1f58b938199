#include "auth/who.h"

#include <algorithm>

#include "model/glob.h"
#include "model/names.h"

namespace berth::auth {
namespace {

constexpr std::string_view anyone = "anyone", signed_in = "signed-in";
constexpr std::string_view user_prefix = "user:", robot_prefix = "robot:", cert_prefix = "cert:",
                           token_prefix = "token:";

std::unexpected<Error> allow(std::string what) { return fail(Code::invalid, std::move(what)); }

bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= max_subject_bytes &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// A name as Basic can bring it, and as an htpasswd file can hold it.
bool is_name(std::string_view text) { return is_plain(text) && !text.contains(':'); }

// "a, b or c" of what is known; otherwise: of nothing.
std::string listed(const std::vector<std::string>& names, std::string_view otherwise) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text.append(i == 0 ? "" : i + 1 == names.size() ? " or " : ", ").append(names[i]);
  return text.empty() ? std::string(otherwise) : text;
}

bool is_component(std::string_view text) {
  return !text.contains('/') && model::RepositoryName::parse(text).has_value();
}

} // namespace

bool is_group_name(std::string_view text) { return is_name(text) && text != anyone && text != signed_in; }

Result<std::shared_ptr<const Members>> members_of(const std::vector<std::string>& written,
                                                  const std::vector<std::string>& group_names) {
  const std::string forms = std::string(member_forms) + ", one at least";
  if (written.empty()) return allow("(nobody): allowed is a list of " + forms);
  Members members;
  for (const std::string& member : written) {
    const std::string_view text = member;
    const auto refused = [&] { return allow("\"" + member + "\": allowed is a list of " + forms); };
    if (std::ranges::find(group_names, member) != group_names.end())
      return allow("\"" + member + "\" is a group: allowed is a list of " + forms +
                   "; a user of this name is user:" + member);
    if (text.starts_with(robot_prefix) && is_name(text.substr(robot_prefix.size())))
      members.emplace(Caller::Kind::robot, member);
    else if (text.starts_with(cert_prefix) && is_plain(text.substr(cert_prefix.size())))
      members.emplace(Caller::Kind::certificate, member);
    else if (text.starts_with(user_prefix) && is_name(text.substr(user_prefix.size())))
      members.emplace(Caller::Kind::user, text.substr(user_prefix.size()));
    else if (is_name(text) && text != anyone && text != signed_in)
      members.emplace(Caller::Kind::user, member);
    else
      return refused();
  }
  return std::make_shared<const Members>(std::move(members));
}

Result<Who> Who::parse(std::string_view text, const Known& known) {
  Who who;
  if (text == anyone) return who;
  who.form_ = Form::signed_in;
  if (text == signed_in) return who;
  if (text.starts_with(token_prefix)) return parse_token(text.substr(token_prefix.size()), known);
  if (text.starts_with(cert_prefix) && is_plain(text.substr(cert_prefix.size()))) {
    who.form_ = Form::certificate;
    who.name_ = text;
    return who;
  }
  who.form_ = Form::one;
  if (text.starts_with(robot_prefix) && is_name(text.substr(robot_prefix.size()))) {
    who.kind_ = Caller::Kind::robot;
    who.name_ = text;
    return who;
  }
  if (text.starts_with(user_prefix) && is_name(text.substr(user_prefix.size()))) {
    who.name_ = text.substr(user_prefix.size());
    return who;
  }
  return parse_group(text, known);
}

Result<Who> Who::parse_group(std::string_view text, const Known& known) {
  Who who;
  who.form_ = Form::group;
  who.name_ = text;
  if (const auto group = known.groups.find(text); group != known.groups.end()) {
    who.members_ = group->second;
    return who;
  }
  if (known.groups_from_elsewhere && is_group_name(text)) return who;
  std::vector<std::string> names;
  for (const auto& [name, members] : known.groups) names.push_back(name);
  return allow(std::string(who_forms) + "; the groups are " + listed(names, "none") +
               (is_name(text) ? "; a user of this name is user:" + std::string(text) : ""));
}

// ISSUER [CLAIM=GLOB ...], with blanks between them.
Result<Who> Who::parse_token(std::string_view text, const Known& known) {
  Who who;
  who.form_ = Form::token;
  who.kind_ = Caller::Kind::workload;
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    if (blank != 0) words.push_back(text.substr(0, blank));
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
  }
  if (words.empty() || std::ranges::find(known.issuers, words[0]) == known.issuers.end())
    return allow("token:ISSUER [CLAIM=GLOB ...]; the issuers are " +
                 listed({known.issuers.begin(), known.issuers.end()}, "none: see berth.access.issuers"));
  who.name_ = words[0];
  const auto claims = known.claims.find(who.name_);
  for (const std::string_view word : std::span(words).subspan(1)) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == word.size() || !is_plain(word))
      return allow("token:ISSUER [CLAIM=GLOB ...]; \"" + std::string(word) + "\" is no CLAIM=GLOB");
    const std::string claim(word.substr(0, equals));
    if (claims != known.claims.end() && std::ranges::find(claims->second, claim) == claims->second.end())
      return allow("token:ISSUER [CLAIM=GLOB ...]; the claims of " + who.name_ + " are " +
                   listed(claims->second, "none: see berth.access.issuers"));
    who.claims_.emplace_back(claim, word.substr(equals + 1));
  }
  return who;
}

bool Who::includes(const Caller& caller) const {
  if (form_ == Form::anyone) return true;
  if (caller.is_nobody()) return false;
  switch (form_) {
  case Form::anyone:
  case Form::signed_in: return true;
  case Form::one: return caller.kind == kind_ && caller.user == name_;
  case Form::certificate: return caller.kind == Caller::Kind::certificate && model::matches_glob(name_, caller.user);
  case Form::group:
    return std::ranges::find(caller.groups, name_) != caller.groups.end() ||
           (members_ != nullptr && members_->contains({caller.kind, caller.user}));
  case Form::token:
    return caller.kind == Caller::Kind::workload && caller.issuer == name_ &&
           std::ranges::all_of(claims_, [&](const auto& wanted) {
             const auto claim = caller.claims.find(wanted.first);
             return claim != caller.claims.end() && model::matches_glob(wanted.second, claim->second);
           });
  }
  return false;
}

bool Who::may_be_user() const {
  switch (form_) {
  case Form::anyone:
  case Form::signed_in: return true;
  case Form::one: return kind_ == Caller::Kind::user && is_component(name_);
  case Form::certificate:
  case Form::token: return false;
  case Form::group: break;
  }
  return members_ == nullptr || std::ranges::any_of(*members_, [](const auto& member) {
           return member.first == Caller::Kind::user && is_component(member.second);
         });
}

std::string_view user_component(const Caller& caller) {
  if (caller.is_nobody() || caller.kind != Caller::Kind::user || !is_component(caller.user)) return {};
  return caller.user;
}

} // namespace berth::auth
