#include "auth/challenge.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/utf8.h"

namespace berth::auth {
namespace {

// What Go does not print as it is, beyond ASCII: controls, blanks, formats, private use and what is no character. Go
// knows of unassigned characters too, which change with its version.
bool is_shown(std::uint32_t code) {
  constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 18> hidden{{{0x00, 0x1f},
                                                                            {0x7f, 0xa0},
                                                                            {0xad, 0xad},
                                                                            {0x600, 0x605},
                                                                            {0x61c, 0x61c},
                                                                            {0x6dd, 0x6dd},
                                                                            {0x70f, 0x70f},
                                                                            {0x1680, 0x1680},
                                                                            {0x180e, 0x180e},
                                                                            {0x2000, 0x200f},
                                                                            {0x2028, 0x202f},
                                                                            {0x205f, 0x206f},
                                                                            {0x3000, 0x3000},
                                                                            {0xe000, 0xf8ff},
                                                                            {0xfeff, 0xfeff},
                                                                            {0xfff0, 0xfffb},
                                                                            {0xe0000, 0xe00ff},
                                                                            {0xe01f0, 0x10ffff}}};
  return (code & 0xfffe) != 0xfffe &&
         std::ranges::none_of(hidden, [&](const auto& range) { return code >= range.first && code <= range.second; });
}

std::string escaped(std::uint32_t code) {
  constexpr std::string_view named = "\a\b\t\n\v\f\r", letters = "abtnvfr";
  if (code < 0x80) {
    const std::size_t at = named.find(static_cast<char>(code));
    if (at != std::string_view::npos) return {'\\', letters[at]};
    return "\\x" + to_hex(std::string(1, static_cast<char>(code)));
  }
  std::string bytes;
  for (int shift = code < 0x10000 ? 8 : 24; shift >= 0; shift -= 8) bytes += static_cast<char>(code >> shift & 0xff);
  return (code < 0x10000 ? "\\u" : "\\U") + to_hex(bytes);
}

struct Scope {
  std::string resource; // type:name
  std::vector<std::string_view> actions;
};

std::string scope_text(std::span<const Access> needed, Grouping grouping) {
  std::vector<Scope> scopes;
  for (const Access& access : needed) {
    const std::string resource = access.type + ":" + access.name;
    const auto names = [&](const Scope& scope) {
      return scope.resource == resource &&
             (grouping == Grouping::by_resource || scope.actions.front() == access.action);
    };
    auto scope = std::ranges::find_if(scopes, names);
    if (scope == scopes.end()) scope = scopes.insert(scopes.end(), {resource, {}});
    if (std::ranges::find(scope->actions, access.action) == scope->actions.end())
      scope->actions.push_back(access.action);
  }
  std::string text;
  for (const Scope& scope : scopes) {
    text.append(text.empty() ? "" : " ").append(scope.resource);
    char separator = ':';
    for (const std::string_view action : scope.actions) {
      (text += separator) += action;
      separator = ',';
    }
  }
  return text;
}

} // namespace

std::string go_quote(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::size_t bytes = std::max<std::size_t>(1, character.bytes);
    if (character.bytes == 0)
      quoted += "\\x" + to_hex(text.substr(0, 1));
    else if (character.code == '"' || character.code == '\\')
      (quoted += '\\') += text.front();
    else if (is_shown(character.code))
      quoted += text.substr(0, bytes);
    else
      quoted += escaped(character.code);
    text.remove_prefix(bytes);
  }
  return quoted + '"';
}

std::string_view host_of(std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
}

std::string basic_challenge(std::string_view realm) { return "Basic realm=" + go_quote(realm); }

std::string bearer_challenge(std::string_view realm, std::string_view service, std::span<const Access> needed,
                             Grouping grouping, std::string_view error) {
  std::string challenge = "Bearer realm=" + go_quote(realm) + ",service=" + go_quote(service);
  if (!needed.empty()) challenge += ",scope=" + go_quote(scope_text(needed, grouping));
  if (!error.empty()) challenge += ",error=" + go_quote(error);
  return challenge;
}

} // namespace berth::auth
