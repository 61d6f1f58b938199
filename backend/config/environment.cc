#include "config/environment.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "config/keys.h"
#include "config/read_access.h"
#include "config/suggest.h"
#include "config/yaml.h"

namespace berth::config {
namespace {

constexpr std::string_view prefix = "REGISTRY_";
constexpr std::string_view config_path_variable = "REGISTRY_CONFIGURATION_PATH"; // read by the commands
constexpr std::size_t max_steps = 32;

// docker/distribution matches the names of its Go fields, which here differ from the keys.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> field_names{{
    {"notifications.eventconfig", "notifications.events"},
    {"health.filecheckers", "health.file"},
    {"health.httpcheckers", "health.http"},
    {"health.tcpcheckers", "health.tcp"},
    {"compatibility.schema1.trustkey", "compatibility.schema1.signingkeyfile"},
}};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return result;
}

using Steps = std::vector<std::string>;

bool is_index(const std::string& step) { return step.find_first_not_of("0123456789") == std::string::npos; }

std::string join(const Steps& steps) {
  std::string path;
  for (const std::string& step : steps) path += (path.empty() ? "" : ".") + step;
  return path;
}

// The path as the table of keys has it: items of lists are [].
std::string path_in_table(const Steps& steps) {
  std::string path;
  for (const std::string& step : steps) path += is_index(step) ? "[]" : (path.empty() ? "" : ".") + step;
  return path;
}

Steps split(std::string_view text, char separator) {
  Steps steps;
  while (true) {
    const auto end = text.find(separator);
    steps.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return steps;
    text.remove_prefix(end + 1);
  }
}

// The path of keys that a variable means; empty if it can mean none.
Steps steps_of(std::string_view name) {
  std::string path = join(split(lower(name.substr(prefix.size())), '_'));
  for (const auto& [field, key] : field_names)
    if (path == field || path.starts_with(std::string(field) + ".")) path.replace(0, field.size(), key);
  Steps steps = split(path, '.');
  if (steps.size() > max_steps || std::ranges::find(steps, "") != steps.end()) return {};
  return steps;
}

// A storage driver's options have no keys here unless berth has the driver, but the choice of it is not to be
// overlooked; nor is what asks for access control, however it is spelt.
bool is_known(const std::string& path) {
  const bool is_item = path.ends_with("[]") && find_key(path.substr(0, path.size() - 2));
  return path != "version" && (is_item || find_key(path) || is_section(path) || path.starts_with("storage.") ||
                               path.starts_with("auth.") || may_mean_access(path));
}

Node* step_into_list(Node& list, const std::string& step) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (error != std::errc() || end != step.data() + step.size() || index > list.items.size()) return nullptr;
  if (index == list.items.size()) list.items.emplace_back();
  return &list.items[index];
}

Node& step_into_map(Node& map, const std::string& step, const std::string& origin) {
  const auto found = std::ranges::find_if(map.members, [&](const Member& member) { return lower(member.key) == step; });
  if (found != map.members.end()) return found->value;
  map.members.push_back({step, origin, {}});
  map.members.back().value.origin = origin;
  return map.members.back().value;
}

// The value at the end of the steps, made with all on its way; nullptr where a list or a word stands in the way.
Node* descend(Node& root, const Steps& steps, const std::string& origin) {
  Node* node = &root;
  for (std::size_t depth = 0; depth < steps.size() && node; ++depth) {
    if (depth == 1 && (steps[0] == "storage" || steps[0] == "auth")) unfold(*node);
    if (node->is_null()) {
      node->kind = steps[depth] == "0" ? Node::Kind::list : Node::Kind::map;
      node->origin = origin;
    }
    if (node->is_scalar()) return nullptr;
    node = node->is_list() ? step_into_list(*node, steps[depth]) : &step_into_map(*node, steps[depth], origin);
  }
  return node;
}

// The variable's value. What is no YAML, such as [::1]:5000, is plain text to a key that takes text.
Result<Node> value_of(const std::string& name, const std::string& text, const std::string& path) {
  auto value = parse_yaml(text, name, Origin::variable);
  const Key* key = find_key(path);
  if (value || !key || key->shape != Shape::scalar) return value;
  Node plain;
  plain.kind = Node::Kind::scalar;
  plain.origin = name;
  plain.text = text;
  return plain;
}

// A variable that replaces a whole section does not take access control away with it.
Result<> keep_access(const std::string& name, const std::string& path, const Node& old, const Node& value) {
  if (path == "auth" && value.is_null() && !old.is_null())
    return fail(Code::invalid, name + ": auth: (nothing): allowed is none, if the registry is to be open: an empty "
                                      "value does not take access control away");
  if (path == "berth" && old.find("access") != nullptr && value.find("access") == nullptr)
    return fail(Code::invalid, name + ": berth: allowed is a map with access, which the section in the file has: a "
                                      "variable does not take access control away");
  return {};
}

std::string unknown(const std::string& name) {
  if (name == "REGISTRY_VERSION") return name + ": the version is the file's alone";
  std::vector<std::string> names;
  for (const Key& key : keys()) {
    std::string variable(prefix);
    for (const char c : key.path) variable += c == '.' ? '_' : c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
    names.push_back(std::move(variable));
  }
  const std::string near = nearest(name, names);
  return name + ": names no key" + (near.empty() ? "" : "; did you mean " + near + "?");
}

} // namespace

Result<> apply(const Environment& environment, Node& root, std::vector<std::string>& warnings) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, text] : environment)
    if (name.starts_with(prefix) && name != config_path_variable && sorted.size() < max_variables) sorted[name] = text;

  for (const auto& [name, text] : sorted) {
    const Steps steps = steps_of(name);
    const std::string path = path_in_table(steps);
    if (steps.empty() || !is_known(path)) {
      warnings.push_back(unknown(name));
      continue;
    }
    BERTH_TRY(Node value, value_of(name, text, path));
    Node* target = descend(root, steps, name);
    if (!target) return fail(Code::invalid, name + ": " + path + ": what lies above it in the config is no map");
    BERTH_CHECK(keep_access(name, path, *target, value));
    *target = std::move(value);
  }
  return {};
}

} // namespace berth::config
