#include "http/url.h"

#include <algorithm>
#include <optional>

#include "http/limits.h"

namespace berth::http {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Undoes %xx. Nothing: a malformed escape.
std::optional<std::string> decode_escapes(std::string_view raw) {
  std::string text;
  text.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      text += raw[i];
      continue;
    }
    if (i + 2 >= raw.size() || hex_value(raw[i + 1]) < 0 || hex_value(raw[i + 2]) < 0) return std::nullopt;
    text += static_cast<char>(hex_value(raw[i + 1]) << 4 | hex_value(raw[i + 2]));
    i += 2;
  }
  return text;
}

std::string decode_component(std::string_view raw) {
  std::string text(raw);
  std::ranges::replace(text, '+', ' ');
  return decode_escapes(text).value_or(std::string(raw));
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void append_escaped(std::string& text, char c) {
  const auto byte = static_cast<unsigned char>(c);
  text += '%';
  text += hex_digits[byte >> 4];
  text += hex_digits[byte & 15];
}

} // namespace

Target split_target(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

Result<std::string> decode_path(std::string_view raw) {
  auto path = decode_escapes(raw);
  if (!path) return fail(Code::bad_request, {}, "the path holds a malformed escape");
  if (path->find('\0') != std::string::npos) return fail(Code::bad_request, {}, "the path holds a NUL");
  return *std::move(path);
}

std::string encode_path(std::string_view path) {
  constexpr std::string_view allowed = "/:@!$&'()*+,;=";
  std::string text;
  text.reserve(path.size());
  for (char c : path) {
    if (is_unreserved(c) || allowed.find(c) != std::string_view::npos)
      text += c;
    else
      append_escaped(text, c);
  }
  return text;
}

Query Query::parse(std::string_view raw) {
  Query query;
  while (!raw.empty() && query.pairs_.size() < max_query_pairs) {
    const std::size_t end = std::min(raw.find('&'), raw.size());
    const std::string_view pair = raw.substr(0, end);
    raw.remove_prefix(std::min(end + 1, raw.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    query.pairs_.emplace_back(decode_component(pair.substr(0, equals)),
                              decode_component(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return query;
}

bool Query::has(std::string_view name) const {
  return std::ranges::any_of(pairs_, [&](const auto& pair) { return pair.first == name; });
}

std::string_view Query::get(std::string_view name) const {
  for (const auto& [key, value] : pairs_)
    if (key == name) return value;
  return {};
}

std::string encode_query(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (char c : text) {
    if (is_unreserved(c))
      encoded += c;
    else if (c == ' ')
      encoded += '+';
    else
      append_escaped(encoded, c);
  }
  return encoded;
}

} // namespace berth::http
