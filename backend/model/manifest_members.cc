#include "model/manifest_members.h"

#include <algorithm>
#include <array>
#include <span>

namespace berth::model {
namespace {

enum class Type { text, integer, texts, labels, base64, descriptor, descriptors, platform };

struct Member {
  std::string_view name;
  Type type;
};
using Members = std::span<const Member>;

// One table for images and indexes of either family: clients read docker's with the types of OCI too, and tell the kind
// of a document by members of both.
constexpr std::array<Member, 8> of_document{{
    {"schemaVersion", Type::integer},
    {"mediaType", Type::text},
    {"artifactType", Type::text},
    {"config", Type::descriptor},
    {"layers", Type::descriptors},
    {"manifests", Type::descriptors},
    {"subject", Type::descriptor},
    {"annotations", Type::labels},
}};
constexpr std::array<Member, 8> of_descriptor{{
    {"mediaType", Type::text},
    {"digest", Type::text},
    {"size", Type::integer},
    {"urls", Type::texts},
    {"annotations", Type::labels},
    {"data", Type::base64},
    {"platform", Type::platform},
    {"artifactType", Type::text},
}};
constexpr std::array<Member, 6> of_platform{{
    {"architecture", Type::text},
    {"os", Type::text},
    {"os.version", Type::text},
    {"os.features", Type::texts},
    {"variant", Type::text},
    {"features", Type::texts}, // docker's alone
}};

std::unexpected<Error> invalid(std::string detail) { return fail(Code::manifest_invalid, {}, std::move(detail)); }

// A name as Go's encoding/json compares it: without case, the long s and the Kelvin sign being letters too.
std::string folded(std::string_view name) {
  std::string text;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name.substr(at).starts_with("\u017f"))
      text += 's', at += 1;
    else if (name.substr(at).starts_with("\u212a"))
      text += 'k', at += 2;
    else
      text += name[at] >= 'A' && name[at] <= 'Z' ? static_cast<char>(name[at] - 'A' + 'a') : name[at];
  }
  return text;
}

// The member that a Go client takes this name for; null if it takes it for none.
const Member* find_meant(Members members, std::string_view name) {
  const auto exact = std::ranges::find(members, name, &Member::name);
  if (exact != members.end()) return &*exact;
  const std::string text = folded(name);
  const auto meant = std::ranges::find_if(
      members, [&](const Member& member) { return member.name.size() == text.size() && folded(member.name) == text; });
  return meant != members.end() ? &*meant : nullptr;
}

// As Go's base64.StdEncoding reads it, line ends being passed over.
bool is_base64(std::string_view text) {
  std::size_t letters = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\r' || c == '\n') continue;
    const bool letter =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    if (c != '=' && (!letter || padding > 0)) return false;
    ++(letter ? letters : padding);
  }
  return padding <= 2 && (letters + padding) % 4 == 0;
}

bool is_text(const Json& value) { return value.is_string() || value.is_null(); }

Result<> check_object(std::string_view place, Members members, const Json& value);

Result<> check_integer(const std::string& name, const Json& value) {
  if (!value.is_number_integer()) return invalid(name + " is not an integer");
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return invalid(name + " is out of range");
  return {};
}

Result<> check_labels(const std::string& name, const Json& value) {
  if (!value.is_object()) return invalid(name + " is not an object");
  for (const auto& [label, text] : value.items())
    if (!is_text(text)) return invalid(name + ": \"" + label + "\" is not a string");
  return {};
}

Result<> check_descriptors(const std::string& name, const Json& value) {
  if (!value.is_array()) return invalid(name + " is not an array");
  for (const Json& element : value) BERTH_CHECK(check_object(name, of_descriptor, element));
  return {};
}

Result<> check_value(const Member& member, const Json& value) {
  const std::string name(member.name);
  if (value.is_null()) return {};
  switch (member.type) {
  case Type::text:
    if (!value.is_string()) return invalid(name + " is not a string");
    return {};
  case Type::integer: return check_integer(name, value);
  case Type::texts:
    if (!value.is_array()) return invalid(name + " is not an array");
    if (!std::ranges::all_of(value, is_text)) return invalid(name + " holds something else than strings");
    return {};
  case Type::labels: return check_labels(name, value);
  case Type::base64:
    if (!value.is_string() || !is_base64(value.get_ref<const std::string&>())) return invalid(name + " is not base64");
    return {};
  case Type::descriptor: return check_object(name, of_descriptor, value);
  case Type::descriptors: return check_descriptors(name, value);
  case Type::platform: return check_object(name, of_platform, value);
  }
  return {};
}

// The first fault that is found in an object, with its place.
Result<> check_object(std::string_view place, Members members, const Json& value) {
  const auto wrong = [&](const std::string& detail) {
    return invalid(place.empty() ? detail : std::string(place) + ": " + detail);
  };
  if (value.is_null()) return {};
  if (!value.is_object()) return wrong("not an object");
  for (const auto& [name, member] : value.items()) {
    const Member* meant = find_meant(members, name);
    if (meant == nullptr) continue;
    if (meant->name != name) return wrong("\"" + name + "\" must be spelt \"" + std::string(meant->name) + "\"");
    const auto checked = check_value(*meant, member);
    if (!checked) return wrong(checked.error().detail);
  }
  return {};
}

} // namespace

Result<> check_members(const Json& document) { return check_object("", of_document, document); }

} // namespace berth::model
