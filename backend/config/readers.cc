#include "config/readers.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <span>

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

// What a quoted path in nginx's configuration cannot hold, or would take for something else.
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

// Names and values; no name of `own`.
template <std::size_t Count>
Result<HeaderList> header_list(const Node& node, const std::array<std::string_view, Count>& own) {
  static const RE2 token(R"([A-Za-z0-9!#%&'*+.^_`|~-]{1,128})"); // RFC 9110 section 5.6.2, but for the $ of nginx
  const std::string what = "a map of header names, each with a list of values";
  if (!node.is_map() || node.members.size() > max_list_items) return allow(what);
  HeaderList headers;
  for (const Member& member : node.members) {
    if (!RE2::FullMatch(member.key, token)) return allow("header names; \"" + member.key + "\" is none");
    if (one_of(lower(member.key), own)) return allow("no " + member.key + ": the registry sets it by itself");
    BERTH_TRY(auto values, to_texts(member.value, what));
    for (const std::string& text : values)
      if (text.size() > max_text_value_bytes || std::ranges::any_of(text, is_control))
        return allow("header values of at most " + std::to_string(max_text_value_bytes) +
                     " bytes without control characters; see " + member.key);
    headers.emplace_back(member.key, std::move(values));
  }
  return headers;
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

Result<std::int64_t> to_integer(const Node& node, std::int64_t low, std::int64_t high) {
  const std::string what = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  if (!node.is_scalar()) return allow(what);
  std::int64_t number = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, number);
  if (error != std::errc() || stop != end || number < low || number > high) return allow(what);
  return number;
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

Result<std::string> to_prefix(const Node& node) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  const std::string& text = node.text;
  if (!text.starts_with('/') || !text.ends_with('/') || text.find_first_not_of(allowed) != std::string::npos ||
      text.contains("//") || text.contains("/./") || text.contains("/../"))
    return allow("a path that begins and ends with / and holds letters, digits and -._~ between single slashes");
  // nginx's own locations.
  if (text.starts_with("/_berth/")) return allow("a path that does not begin with /_berth/");
  return text;
}

Result<std::string> to_base_url(const Node& node) {
  static const RE2 form(R"(https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)");
  if (!RE2::FullMatch(node.text, form)) return allow("an absolute URL, as in https://registry.example.com:5000");
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

Result<HeaderList> to_headers(const Node& node) {
  // They frame a reply or say what it is: a second one beside the registry's own would make nonsense of it.
  constexpr std::array<std::string_view, 12> own{
      "connection", "content-encoding", "content-length", "content-range",     "content-type", "etag",
      "keep-alive", "last-modified",    "location",       "transfer-encoding", "trailer",      "x-request-id"};
  return header_list(node, own);
}

Result<HeaderList> to_request_headers(const Node& node) {
  // What frames a request, and what is in the body.
  constexpr std::array<std::string_view, 7> own{"connection", "content-encoding", "content-length",   "expect",
                                                "host",       "trailer",          "transfer-encoding"};
  return header_list(node, own);
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

Result<> read_validation_enabled(const Reading& reading) {
  BERTH_TRY(const bool enabled, to_flag(reading.node));
  if (enabled) reading.config.validation.disabled = false;
  return {};
}

} // namespace berth::config
