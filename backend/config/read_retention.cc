#include "config/read_retention.h"

#include <algorithm>
#include <string>

#include "config/keys.h"
#include "config/readers.h"
#include "config/refuse.h"

namespace berth::config {
namespace {

constexpr const char* section_path = "berth.retention";
constexpr const char* keep_form = "a list of maps of tags, newest, pushed and pulled";

Result<> refuse_unknown(const Node& map, const std::string& shown, const std::vector<std::string>& names) {
  for (const Member& member : map.members) {
    if (std::ranges::find(names, member.key) != names.end()) continue;
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    return fail(Code::invalid, member.origin + ": " + shown + "." + member.key + ": no such key: allowed are " + all);
  }
  return {};
}

// One condition of an entry. Errors: as a Reader.
Result<> read_condition(const Member& member, Retention::Keep& into) {
  if (member.key == "tags") {
    BERTH_TRY(into.tags, to_list(member.value));
  } else if (member.key == "newest") {
    BERTH_TRY(const std::int64_t newest, to_integer(member.value, 1, 1'000'000));
    into.newest = static_cast<std::size_t>(newest);
  } else if (member.key == "pushed") {
    BERTH_TRY(into.pushed, to_grace(member.value));
  } else {
    BERTH_TRY(into.pulled, to_grace(member.value));
  }
  return {};
}

Result<> read_keep(const Node& keep, const std::string& path, Retention::Policy& policy) {
  if (!keep.is_list() || keep.items.size() > max_list_items) return refuse(keep, path, keep_form);
  for (const Node& item : keep.items) {
    const std::string shown = path + "[" + std::to_string(policy.keep.size()) + "]";
    if (!item.is_map()) return refuse(item, shown, "a map of tags, newest, pushed and pulled, one of them at least");
    BERTH_CHECK(refuse_unknown(item, shown, {"tags", "newest", "pushed", "pulled"}));
    Retention::Keep& entry = policy.keep.emplace_back();
    entry.origin = item.origin;
    for (const Member& member : item.members)
      if (const auto read = read_condition(member, entry); !read)
        return refuse(member.value, shown + "." + member.key, read.error().message);
  }
  return {};
}

} // namespace

Result<std::optional<std::optional<Duration>>> to_untagged_of_policy(const Node& node) {
  BERTH_TRY(const std::optional<Duration> age, to_untagged_age(node));
  return std::optional(age);
}

Result<unsigned> to_share(const Node& node) {
  const std::string_view text = node.text;
  const auto number = text.ends_with('%') ? yaml_number(text.substr(0, text.size() - 1)) : std::nullopt;
  if (!number || *number < 1 || *number > 100) return fail(Code::invalid, "a share with its %, from 1% to 100%");
  return static_cast<unsigned>(*number);
}

Result<> begin_protected(const Reading& reading) {
  reading.config.berth.protected_tags.push_back({reading.node.origin, {}, {}, {}});
  return {};
}

Result<> begin_policy(const Reading& reading) {
  reading.config.berth.retention.policies.emplace_back().origin = reading.node.origin;
  return {};
}

Result<> read_retention(const Node& root, Config& config) {
  const Node* section = root.at(section_path);
  if (section == nullptr || !section->is_map()) return {};
  BERTH_CHECK(refuse_unknown(*section, section_path, names_in(section_path)));
  Retention& retention = config.berth.retention;
  for (std::size_t i = 0; i < retention.policies.size(); ++i) {
    const Node& item = section->find("policies")->items[i];
    const std::string list = std::string(section_path) + ".policies", shown = list + "[" + std::to_string(i) + "]";
    BERTH_CHECK(refuse_unknown(item, shown, names_in(list + "[]")));
    if (const Node* keep = item.find("keep"); keep != nullptr && !keep->is_null())
      BERTH_CHECK(read_keep(*keep, shown + ".keep", retention.policies[i]));
  }
  if (!retention.enabled) return {};
  const std::string key = std::string(section_path) + ".enabled";
  const Node& enabled = *section->find("enabled");
  if (retention.policies.empty()) return refuse(enabled, key, "true with berth.retention.policies, false without");
  if (!config.berth.collection.enabled)
    return refuse(enabled, key, "true with berth.collection.enabled, whose runs carry the policies out");
  return {};
}

} // namespace berth::config
