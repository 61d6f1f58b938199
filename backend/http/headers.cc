#include "http/headers.h"

#include <algorithm>

#include "http/limits.h"

namespace berth::http {
namespace {

constexpr std::size_t max_authority_bytes = 255 + 6; // a DNS name and a port

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_alnum(char c) { return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z'); }

// Cuts the text at every separator outside quoted strings (RFC 9110 section 5.6.4), trims the parts, drops empty ones.
std::vector<std::string_view> split_outside_quotes(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  const auto take = [&](std::string_view part) {
    if (part = trim(part); !part.empty()) parts.push_back(part);
  };
  std::size_t start = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (text[i] == separator && !quoted) {
      take(text.substr(start, i - start));
      start = i + 1;
    }
  }
  take(text.substr(start));
  return parts;
}

// A token as it is, or what a quoted string stands for.
std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string plain;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

bool is_tag(std::string_view text, std::string_view tag) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text == tag;
}

} // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split_list(std::string_view value) { return split_outside_quotes(value, ','); }

std::string media_type(std::string_view value) { return to_lower(trim(value.substr(0, value.find(';')))); }

Accept::Accept(std::string_view header) {
  for (std::string_view element : split_list(header)) {
    if (types_.size() == max_accept_entries) return;
    types_.push_back(media_type(element));
  }
}

bool Accept::names(std::string_view type) const { return std::ranges::find(types_, type) != types_.end(); }

bool none_match_names(std::string_view if_none_match, std::string_view tag) {
  return std::ranges::any_of(split_list(if_none_match), [&](std::string_view element) {
    if (element == "*") return true;
    if (element.starts_with("W/")) element.remove_prefix(2);
    return is_tag(element, tag);
  });
}

bool if_range_names(std::string_view if_range, std::string_view tag) { return is_tag(trim(if_range), tag); }

Forwarded parse_forwarded(std::string_view value) {
  Forwarded forwarded;
  const auto elements = split_list(value);
  if (elements.empty()) return forwarded;
  for (std::string_view pair : split_outside_quotes(elements.front(), ';')) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = trim(pair.substr(0, equals));
    std::string content = unquote(trim(pair.substr(equals + 1)));
    if (equal_ignoring_case(name, "proto"))
      forwarded.proto = std::move(content);
    else if (equal_ignoring_case(name, "host"))
      forwarded.host = std::move(content);
  }
  return forwarded;
}

bool is_authority(std::string_view text) {
  if (text.size() > max_authority_bytes) return false;
  std::string_view host = text;
  // In brackets, colons belong to the address; elsewhere the last one begins the port.
  const std::size_t colon = text.starts_with('[') ? text.find("]:") + 1 : text.rfind(':');
  if (colon != 0 && colon != std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }))
      return false;
    host = text.substr(0, colon);
  }
  if (host.starts_with('[')) {
    if (host.size() < 4 || !host.ends_with(']')) return false;
    host = host.substr(1, host.size() - 2);
    return std::ranges::all_of(host, [](char c) { return is_alnum(c) || c == ':' || c == '.'; });
  }
  return !host.empty() &&
         std::ranges::all_of(host, [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

} // namespace berth::http
