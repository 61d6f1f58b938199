#include "config/readers.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <optional>

#include "config/address.h"

namespace berth::config {
namespace {

std::unexpected<Error> allow(std::string what) { return fail(Code::invalid, std::move(what)); }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return result;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Returns true for characters that a quoted path in nginx's configuration cannot hold, or would interpret.
bool is_barred_in_path(char c) { return is_control(c) || c == '"' || c == '\'' || c == '\\' || c == '$'; }

template <std::size_t Count>
bool one_of(std::string_view word, const std::array<std::string_view, Count>& words) {
  return std::ranges::find(words, word) != words.end();
}

// The scalars of a list. A list that was left empty, or a lone scalar, is a list too.
Result<std::vector<std::string>> to_texts(const Node& node, const std::string& what) {
  std::vector<std::string> texts;
  if (node.is_scalar()) texts.push_back(node.text);
  if (node.is_map() || node.items.size() > max_list_items) return allow(what);
  for (const Node& item : node.items) {
    if (!item.is_scalar()) return allow(what);
    texts.push_back(item.text);
  }
  return texts;
}

} // namespace

Result<bool> to_flag(const Node& node) {
  // The words of YAML 1.1, which docker/distribution reads.
  constexpr std::array<std::string_view, 4> yes{"true", "yes", "on", "y"};
  constexpr std::array<std::string_view, 4> no{"false", "no", "off", "n"};
  if (node.is_scalar() && one_of(lower(node.text), yes)) return true;
  if (node.is_scalar() && one_of(lower(node.text), no)) return false;
  return allow("true or false");
}

Result<std::string> to_text(const Node& node) {
  const std::string what = "text of at most " + std::to_string(max_text_value_bytes) + " bytes";
  if (!node.is_scalar() || node.text.size() > max_text_value_bytes) return allow(what);
  return node.text;
}

std::optional<std::int64_t> yaml_number(std::string_view text) {
  std::string plain(text);
  std::erase(plain, '_');
  if (plain.starts_with('+')) plain.erase(0, 1);
  const bool negative = plain.starts_with('-');
  const std::string_view digits = std::string_view(plain).substr(negative ? 1 : 0);
  if (digits.empty() || digits.front() == '+' || digits.front() == '-') return std::nullopt;
  const auto whole = [](std::string_view number, int base) -> std::optional<std::int64_t> {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value, base);
    if (number.empty() || error != std::errc() || end != number.data() + number.size()) return std::nullopt;
    return value;
  };
  const std::string_view mark = digits.substr(0, 2);
  std::optional<std::int64_t> value;
  if (mark == "0x" || mark == "0X")
    value = whole(digits.substr(2), 16);
  else if (mark == "0o")
    value = whole(digits.substr(2), 8);
  else if (mark == "0b")
    value = whole(digits.substr(2), 2);
  else if (value = whole(digits, digits.front() == '0' ? 8 : 10); !value) {
    double number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size() || !(number < 9.2e18)) return std::nullopt;
    value = static_cast<std::int64_t>(number);
  }
  if (value && negative) value = -*value;
  return value;
}

Result<std::int64_t> to_integer(const Node& node, std::int64_t low, std::int64_t high) {
  const auto number = node.is_scalar() ? yaml_number(node.text) : std::nullopt;
  if (!number || *number < low || *number > high)
    return allow("a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return *number;
}

Result<LogLevel> to_level(const Node& node) {
  const std::string word = node.is_scalar() ? lower(node.text) : "";
  if (word == "debug") return LogLevel::debug;
  if (word == "info") return LogLevel::info;
  if (word == "warn") return LogLevel::warn;
  if (word == "error") return LogLevel::error;
  return allow("error, warn, info or debug");
}

Result<std::string> to_path(const Node& node) {
  constexpr std::size_t max_path_bytes = 4000; // names are appended to it; the kernel takes 4095
  if (!node.is_scalar() || node.text.empty() || node.text.size() > max_path_bytes ||
      std::ranges::any_of(node.text, is_barred_in_path))
    return allow("a path without quotes, backslashes, $ and control characters");
  std::error_code error;
  std::string path = std::filesystem::absolute(node.text, error).lexically_normal().string();
  if (error) return allow("a path that can be made absolute: " + error.message());
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Result<std::vector<std::string>> to_patterns(const Node& node) {
  BERTH_TRY(auto patterns, to_texts(node, "a list of regular expressions"));
  for (const std::string& pattern : patterns) {
    const RE2 compiled(pattern, RE2::Quiet);
    if (!compiled.ok()) return allow("a list of regular expressions; \"" + pattern + "\" is none: " + compiled.error());
  }
  return patterns;
}

Result<IndexPlatforms> to_index_platforms(const Node& node) {
  const std::string word = node.is_scalar() ? lower(node.text) : "";
  if (word == "all") return IndexPlatforms::all;
  if (word == "none") return IndexPlatforms::none;
  if (word == "list") return IndexPlatforms::listed;
  return allow("all, none or list");
}

Result<std::vector<Platform>> to_platforms(const Node& node) {
  const std::string what = "a list of maps, each with architecture and os";
  if (!node.is_list() || node.items.size() > max_list_items) return allow(what);
  std::vector<Platform> platforms;
  for (const Node& item : node.items) {
    const Node* architecture = item.find("architecture");
    const Node* os = item.find("os");
    if (!architecture || !architecture->is_scalar() || !os || !os->is_scalar()) return allow(what);
    platforms.push_back({architecture->text, os->text});
  }
  return platforms;
}

Result<std::string> to_address(const Node& node) {
  BERTH_CHECK(parse_listen_address(node.text)); // a map or list has no text
  return node.text;
}

Result<std::string> to_origin(const Node& node) {
  static const RE2 form(R"(https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?)");
  if (!RE2::FullMatch(node.text, form)) return allow("a URL without a path, as in http://registryv1:5000");
  return node.text.ends_with('/') ? node.text.substr(0, node.text.size() - 1) : node.text;
}

Result<std::string> to_user(const Node& node) {
  static const RE2 form(R"([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})");
  if (!RE2::FullMatch(node.text, form)) return allow("the name of a user");
  return node.text;
}

Result<> read_descriptor_cache(const Reading& reading) {
  const std::string& text = reading.node.text;
  reading.config.storage.cache_descriptors = text == "inmemory";
  reading.config.storage.cache_in_redis = text == "redis";
  if (text != "inmemory" && text != "redis")
    reading.warnings.push_back(reading.node.origin + ": " + std::string(reading.path) + ": \"" + text +
                               "\": known are inmemory and redis; descriptors are not cached");
  return {};
}

Result<> read_delete(const Reading& reading) {
  const auto enabled = to_flag(reading.node);
  reading.config.storage.delete_enabled = enabled && *enabled;
  if (!enabled)
    reading.warnings.push_back(reading.node.origin + ": " + std::string(reading.path) +
                               ": neither true nor false: clients may not delete");
  return {};
}

Result<> read_validation_enabled(const Reading& reading) {
  BERTH_TRY(const bool enabled, to_flag(reading.node));
  if (enabled) reading.config.validation.disabled = false;
  return {};
}

} // namespace berth::config
