// Parsers of the values of berth.access.
#include <re2/re2.h>

#include <algorithm>

#include "config/readers.h"

namespace berth::config {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

std::unexpected<Error> allow(std::string what) { return fail(Code::invalid, std::move(what)); }

} // namespace

Result<std::vector<AccessRules::Group>> to_groups(const Node& node) {
  const std::string what = "a map of groups, each with a list of its members, one at least";
  if (!node.is_map() || node.members.size() > max_list_items) return allow(what);
  std::vector<AccessRules::Group> groups;
  for (const Member& member : node.members) {
    const auto members = to_list(member.value);
    if (!members || members->empty()) return allow(what + "; see " + member.key);
    groups.push_back({member.origin, member.key, *members});
  }
  return groups;
}

Result<Duration> to_token_lifetime(const Node& node) {
  auto lifetime = to_duration(node);
  if (!lifetime || *lifetime < seconds(60) || *lifetime > hours(24)) return allow("a time from 60s to 24h");
  return lifetime;
}

Result<Duration> to_refresh_lifetime(const Node& node) {
  auto lifetime = to_duration(node);
  const bool none = lifetime && *lifetime == Duration::zero() && !node.text.starts_with('-');
  if (!none && (!lifetime || *lifetime < seconds(60) || *lifetime > hours(8760)))
    return allow("0, for no refresh tokens, or a time from 60s to 8760h");
  return lifetime;
}

Result<std::string> to_issuer_name(const Node& node) {
  static const RE2 form(R"([a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?)");
  if (!RE2::FullMatch(node.text, form)) return allow("a name of a-z, 0-9, `.`, `_` and `-`, of at most 64 characters");
  return node.text;
}

// In the clear only from this host, as a test or a proxy beside berth has it.
Result<std::string> to_secure_url(const Node& node) {
  static const RE2 form(
      R"(https://[^\s/?#@]+(/[!-~]*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(/[!-~]*)?)");
  auto url = to_url(node);
  if (!url || !RE2::FullMatch(*url, form)) return allow("an https URL");
  return url;
}

Result<std::string> to_url_or_path(const Node& node) {
  const bool is_path = node.text.starts_with('/');
  auto value = is_path ? to_path(node) : to_secure_url(node);
  if (!value) return allow("an https URL, or the absolute path of a file");
  return value;
}

Result<std::string> to_directory_url(const Node& node) {
  static const RE2 form(R"(ldaps?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?)");
  if (!RE2::FullMatch(node.text, form))
    return allow("an ldap or ldaps URL without a path, as in ldaps://ldap.example.com");
  return node.text;
}

Result<std::string> to_directory_filter(const Node& node) {
  BERTH_TRY(std::string filter, to_text(node));
  const auto count = [&](char c) { return std::ranges::count(filter, c); };
  if (!filter.starts_with('(') || !filter.ends_with(')') || count('(') != count(')') || !filter.contains("{user}"))
    return allow("a filter with {user} in it, as in (uid={user})");
  return filter;
}

Result<std::string> to_certificate_subject(const Node& node) {
  if (node.text != "uri" && node.text != "dns" && node.text != "cn") return allow("uri, dns or cn");
  return node.text;
}

Result<> begin_rule(const Reading& reading) {
  reading.config.berth.access.rules.push_back({reading.node.origin, {}, {}, {}});
  return {};
}

Result<> begin_immutable(const Reading& reading) {
  reading.config.berth.immutable.push_back({reading.node.origin, {}, {}, {}});
  return {};
}

Result<> begin_issuer(const Reading& reading) {
  reading.config.berth.access.issuers.emplace_back().origin = reading.node.origin;
  return {};
}

} // namespace berth::config
