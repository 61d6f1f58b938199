#include "model/json_text.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"

namespace berth::model {
namespace {

constexpr std::string_view blanks = " \t\r\n";

bool is_blank(char c) { return blanks.find(c) != std::string_view::npos; }

// The length of what stands at `at` and has to be escaped (0: nothing), and what replaces it.
struct Escape {
  std::size_t length = 0;
  std::string_view text;
};
Escape html_escape(std::string_view text, std::size_t at) {
  switch (text[at]) {
  case '<': return {1, "\\u003c"};
  case '>': return {1, "\\u003e"};
  case '&': return {1, "\\u0026"};
  case '\xe2':
    if (text.substr(at, 3) == "\xe2\x80\xa8") return {3, "\\u2028"};
    if (text.substr(at, 3) == "\xe2\x80\xa9") return {3, "\\u2029"};
    return {};
  default: return {};
  }
}

// One past the string literal that begins at `at`.
std::size_t string_end(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at)
    if (json[at] == '\\') ++at;
  return std::min(at + 1, json.size());
}

// One past the value that begins at `at`, trailing blanks included for numbers and words.
std::size_t value_end(std::string_view json, std::size_t at) {
  int depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = string_end(json, at);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (depth == 0 && (c == ',' || c == '}')) return at; // after a number or a word
    if (c == '}' || c == ']') --depth;
    ++at;
    if (depth == 0 && (c == '}' || c == ']')) return at;
  }
  return at;
}

std::size_t skip(std::string_view json, std::size_t at, std::string_view what) {
  return std::min(json.find_first_not_of(what, at), json.size());
}

} // namespace

std::string json_quote(std::string_view text) {
  std::string quoted = "\"";
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const Escape escape = html_escape(text, at); escape.length > 0) {
      quoted += escape.text;
      at += escape.length - 1;
      continue;
    }
    switch (text[at]) {
    case '"': quoted += "\\\""; break;
    case '\\': quoted += "\\\\"; break;
    case '\n': quoted += "\\n"; break;
    case '\r': quoted += "\\r"; break;
    case '\t': quoted += "\\t"; break;
    default:
      if (static_cast<unsigned char>(text[at]) < 0x20)
        quoted += "\\u00" + to_hex(text.substr(at, 1));
      else
        quoted += text[at];
    }
  }
  return quoted + '"';
}

std::string json_compact(std::string_view json) {
  std::string compact;
  compact.reserve(json.size());
  bool in_string = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    if (!in_string && is_blank(json[at])) continue;
    if (const Escape escape = html_escape(json, at); escape.length > 0) {
      compact += escape.text;
      at += escape.length - 1;
      continue;
    }
    compact += json[at];
    if (json[at] == '"') in_string = !in_string;
    if (json[at] == '\\' && at + 1 < json.size()) compact += json[++at];
  }
  return compact;
}

std::string json_indent(std::string_view compact, std::string_view prefix, std::string_view indent) {
  std::string text;
  std::size_t depth = 0;
  const auto new_line = [&] {
    text += '\n';
    text += prefix;
    for (std::size_t i = 0; i < depth; ++i) text += indent;
  };
  for (std::size_t at = 0; at < compact.size();) {
    const char c = compact[at];
    const std::size_t end = c == '"' ? string_end(compact, at) : at + 1;
    const bool closes = c == '}' || c == ']';
    if (closes) {
      --depth;
      if (compact[at - 1] != '{' && compact[at - 1] != '[') new_line();
    }
    text += compact.substr(at, end - at);
    if (c == ':') text += ' ';
    if (c == '{' || c == '[') ++depth;
    const bool empty = end < compact.size() && (compact[end] == '}' || compact[end] == ']');
    if (c == ',' || ((c == '{' || c == '[') && !empty)) new_line();
    at = end;
  }
  return text;
}

std::vector<JsonMember> json_members(std::string_view object) {
  std::vector<JsonMember> members;
  std::size_t at = skip(object, skip(object, 0, blanks) + 1, blanks);
  while (at < object.size() && object[at] == '"') {
    const std::size_t name_end = string_end(object, at);
    const auto name = nlohmann::json::parse(object.substr(at, name_end - at), nullptr, false);
    at = skip(object, skip(object, name_end, blanks) + 1, blanks); // past the colon
    const std::size_t end = value_end(object, at);
    std::string_view value = object.substr(at, end - at);
    value = value.substr(0, value.find_last_not_of(blanks) + 1);
    members.push_back({name.is_string() ? name.get<std::string>() : std::string(), value});
    at = skip(object, end, " \t\r\n,");
  }
  return members;
}

} // namespace berth::model
