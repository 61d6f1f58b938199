#include "config/read_access.h"

#include <algorithm>
#include <vector>

#include "config/keys.h"
#include "config/refuse.h"
#include "config/suggest.h"

namespace berth::config {
namespace {

constexpr std::string_view section_path = "berth.access";

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return result;
}

bool is_nearly_auth(std::string_view name) {
  const std::string written = lower(name);
  return name != "auth" &&
         (written == "authentication" || written.starts_with("auth.") || edit_distance(written, "auth") <= 1);
}

bool is_nearly_access(std::string_view name) {
  const std::string written = lower(name);
  if (written.starts_with("x-")) return false;                    // the custom of keys that are nobody's
  const std::vector<std::string> inside = names_in(section_path); // rules, groups, ...: on the wrong level
  return written.starts_with("access.") || written.starts_with("berth.") || written == "accesscontrol" ||
         edit_distance(written, "access") <= 2 || std::ranges::find(inside, written) != inside.end();
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// What a kind of access control cannot do without.
struct AuthKind {
  std::string_view name;
  Auth::Kind kind;
  std::vector<std::string_view> required;
};
const std::vector<AuthKind>& auth_kinds() {
  static const std::vector<AuthKind> kinds{{"none", Auth::Kind::none, {}},
                                           {"htpasswd", Auth::Kind::htpasswd, {"realm", "path"}},
                                           {"token", Auth::Kind::token, {"realm", "service", "issuer"}},
                                           {"silly", Auth::Kind::silly, {"realm", "service"}}};
  return kinds;
}

} // namespace

Result<> refuse_lost_access(const Member& member, const std::string& path) {
  const std::string child = path.empty() ? member.key : path + "." + member.key;
  const auto no_such = [&](const std::string& rest) {
    return fail(Code::invalid, member.origin + ": " + child + ": no such key: " + rest);
  };
  constexpr std::string_view why = "? berth does not start a registry that may be open by mistake";
  if (path.starts_with(section_path)) {
    const std::string near = nearest(member.key, names_in(path));
    return no_such("allowed are " + joined(names_in(path)) + (near.empty() ? "" : "; did you mean " + near + "?"));
  }
  const bool at_top = path.empty();
  if (at_top && is_nearly_auth(member.key)) return no_such("did you mean auth" + std::string(why));
  const bool holds_access = at_top && std::ranges::any_of(member.value.members, [](const Member& inner) {
                              return lower(inner.key) == "access";
                            });
  if (((at_top || path == "berth") && is_nearly_access(member.key)) || holds_access)
    return no_such("did you mean " + std::string(section_path) + std::string(why));
  return {};
}

bool may_mean_access(std::string_view path) {
  constexpr std::string_view own = "berth.";
  if (!path.starts_with(own)) return false;
  path.remove_prefix(own.size());
  return path == "access" || is_nearly_access(path.substr(0, path.find_first_of(".[")));
}

Result<> read_auth(const Node& root, Auth& into) {
  const std::string allowed = "one of none, htpasswd, token and silly";
  const Node* auth = root.find("auth");
  if (!auth || auth->is_null() || (auth->is_map() && auth->members.empty())) return {};
  if (auth->is_list() || (auth->is_map() && auth->members.size() != 1)) return refuse(*auth, "auth", allowed);
  const std::string name(auth->is_map() ? std::string_view(auth->members[0].key) : std::string_view(auth->text));
  const auto kind = std::ranges::find(auth_kinds(), name, &AuthKind::name);
  if (kind == auth_kinds().end()) return refuse(*auth, "auth", allowed);
  into.kind = kind->kind;
  const std::string path = "auth." + name;
  const Node* section = root.at(path);
  for (const std::string_view key : kind->required) {
    const Node* value = section != nullptr && section->is_map() ? section->find(key) : nullptr;
    if (value == nullptr || value->is_null() || (value->text.empty() && key != "realm"))
      return refuse(section != nullptr ? *section : *auth, path, "a map with " + std::string(key));
  }
  if (into.kind == Auth::Kind::token && into.token.root_certificates.empty() && into.token.jwks.empty())
    return refuse(*section, path, "a map with rootcertbundle, or with jwks");
  return {};
}

namespace {

// A node of berth.access, with its path for messages.
struct Part {
  const Node& node;
  std::string path;

  std::unexpected<Error> refuse(const std::string& allowed) const { return config::refuse(node, path, allowed); }
};

Part item_of(const Node& access, std::string_view list, std::size_t i) {
  return {access.find(list)->items[i],
          std::string(section_path) + "." + std::string(list) + "[" + std::to_string(i) + "]"};
}

// The section below berth.access, if there is one that says anything.
const Node* section_in(const Node& access, std::string_view name) {
  const Node* section = access.find(name);
  return section == nullptr || section->is_null() ? nullptr : section;
}

Result<> check_rules(const Node& access, const AccessRules& config) {
  const std::string allowed = "a list of rules, one at least, each a map of who, repositories and may";
  if (config.rules.empty()) {
    const Node* rules = access.find("rules");
    return refuse(rules != nullptr ? *rules : access, std::string(section_path) + (rules != nullptr ? ".rules" : ""),
                  rules != nullptr ? allowed : "a map with rules: " + allowed);
  }
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const AccessRules::Rule& rule = config.rules[i];
    const Part item = item_of(access, "rules", i);
    if (rule.who.empty()) return item.refuse("a map with who");
    if (rule.repositories.empty()) return item.refuse("a map with repositories, one at least");
    if (rule.may.empty()) return item.refuse("a map with may, of pull, add, push, delete and all");
  }
  return {};
}

Result<> check_issuers(const Node& access, const std::vector<AccessRules::Issuer>& issuers) {
  for (std::size_t i = 0; i < issuers.size(); ++i) {
    const AccessRules::Issuer& issuer = issuers[i];
    const Part item = item_of(access, "issuers", i);
    if (issuer.name.empty()) return item.refuse("a map with name");
    if (issuer.url.empty()) return item.refuse("a map with url");
    if (issuer.audience.empty())
      return item.refuse("a map with audience: tokens for others than this registry are none");
    for (std::size_t j = 0; j < i; ++j)
      if (issuers[j].name == issuer.name || issuers[j].url == issuer.url)
        return item.refuse("a map with a name and a url that no other issuer has");
  }
  return {};
}

Result<> check_ldap(const Node& access, const AccessRules::Ldap& ldap) {
  const Node* node = section_in(access, "ldap");
  if (node == nullptr) return {};
  const Part part{*node, std::string(section_path) + ".ldap"};
  if (ldap.url.empty()) return part.refuse("a map with url");
  if (ldap.base.empty()) return part.refuse("a map with base, below which users are found");
  if (ldap.start_tls && ldap.url.starts_with("ldaps:")) return part.refuse("starttls or an ldaps: url, not both");
  if (ldap.bind_dn.empty() != ldap.bind_password_file.empty())
    return part.refuse("binddn and bindpasswordfile, or neither");
  return {};
}

} // namespace

Result<> read_access(const Node& root, Config& config) {
  AccessRules& rules = config.berth.access;
  const Node* access = root.at(section_path);
  if (access == nullptr) return {};
  rules.given = true;
  if (config.auth.kind == Auth::Kind::token || config.auth.kind == Auth::Kind::silly)
    return refuse(*access, section_path,
                  "nothing beside auth.token and auth.silly, whose tokens say what may be done; rules go with "
                  "auth.htpasswd, or without auth");
  BERTH_CHECK(check_rules(*access, rules));
  BERTH_CHECK(check_issuers(*access, rules.issuers));
  BERTH_CHECK(check_ldap(*access, rules.ldap));
  if (const Node* node = section_in(*access, "certificates")) {
    const Part part{*node, std::string(section_path) + ".certificates"};
    if (rules.certificates.subject.empty()) return part.refuse("a map with subject");
    if (config.http.client_cas.empty())
      return part.refuse("nothing without http.tls.clientcas, by which certificates are verified");
  }
  if (const Node* node = section_in(*access, "saslauthd"); node != nullptr && rules.saslauthd.empty())
    return refuse(*node, std::string(section_path) + ".saslauthd", "a map with socket");
  if (rules.refresh_lifetime != Duration::zero() && rules.refresh_lifetime < rules.token_lifetime)
    return refuse(*access->find("refreshlifetime"), std::string(section_path) + ".refreshlifetime",
                  "0, for no refresh tokens, or a time that is not shorter than tokenlifetime");
  return {};
}

} // namespace berth::config
