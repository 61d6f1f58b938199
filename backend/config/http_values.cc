// Parsers of the values of http: as docker/distribution takes them, Go's ways with URLs and headers included.
#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "config/readers.h"

namespace berth::config {
namespace {

std::unexpected<Error> allow(std::string what) { return fail(Code::invalid, std::move(what)); }

void warn(const Reading& reading, const std::string& what) {
  reading.warnings.push_back(reading.node.origin + ": " + std::string(reading.path) + ": " + what);
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return result;
}

// The values of one header. Line ends become blanks, as a block of YAML ends in one.
Result<std::vector<std::string>> to_header_values(const Member& header) {
  const auto values = to_list(header.value);
  if (!values) return allow("a map of header names, each with a list of values");
  std::vector<std::string> plain = *values;
  for (std::string& text : plain) {
    while (text.ends_with('\n')) text.pop_back();
    std::ranges::replace_if(text, [](char c) { return c == '\r' || c == '\n'; }, ' ');
    if (text.size() > max_text_value_bytes ||
        std::ranges::any_of(text, [](char c) { return is_control(c) && c != '\t'; }))
      return allow("header values of at most " + std::to_string(max_text_value_bytes) +
                   " bytes without control characters; see " + header.key);
  }
  return plain;
}

// Names and values. What is no name, or is one of `own`, is left out with a warning.
template <std::size_t Count>
Result<HeaderList> header_list(const Reading& reading, const std::array<std::string_view, Count>& own) {
  static const RE2 token(R"([A-Za-z0-9!#%&'*+.^_`|~-]{1,128})"); // RFC 9110 section 5.6.2, but for the $ of nginx
  const Node& node = reading.node;
  if (!node.is_map() || node.members.size() > max_list_items)
    return allow("a map of header names, each with a list of values");
  HeaderList headers;
  for (const Member& member : node.members) {
    BERTH_TRY(auto values, to_header_values(member));
    if (!RE2::FullMatch(member.key, token))
      warn(reading, "\"" + member.key + "\": without effect: it is no name of a header");
    else if (std::ranges::find(own, lower(member.key)) != own.end())
      warn(reading, member.key + ": without effect: the registry sets it by itself");
    else
      headers.emplace_back(member.key, std::move(values));
  }
  return headers;
}

} // namespace

Result<std::string> to_prefix(const Reading& reading) {
  std::string prefix = reading.node.text;
  if (!reading.node.is_scalar() || prefix.size() > max_text_value_bytes || std::ranges::any_of(prefix, is_control) ||
      prefix.find_first_of("{}") != std::string::npos)
    return allow("a path, as in /team/, without braces and control characters");
  if (!prefix.ends_with('/')) prefix += '/';
  if (prefix.starts_with("/_berth/")) return allow("a path that does not begin with /_berth/"); // nginx's own locations
  // The path of a request begins with a slash, and is compared without empty segments and dots.
  if (!prefix.starts_with('/') || prefix.contains("//") || prefix.contains("/./") || prefix.contains("/../"))
    warn(reading, "\"" + reading.node.text + "\": no path begins so: nothing is served; did you mean /team/?");
  return prefix;
}

Result<std::string> to_base_url(const Reading& reading) {
  static const RE2 whole(
      R"(([A-Za-z][A-Za-z0-9+.-]*)://((?:[!-.0->A-~]+@)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?))"
      R"((/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:[?#][!-~]*)?)");
  // A URL to Go, and yet without a scheme, without a host, or both.
  static const RE2 partial(R"([A-Za-z][A-Za-z0-9+.-]*:(?:[^/\s][!-~]*|/[!-.0-~][!-~]*|//(?:/[!-~]*)?)?)"
                           R"(|//[!-~]*|[!-9;-~]*(?:/[!-~]*)?)");
  std::string scheme, authority, path;
  if (RE2::FullMatch(reading.node.text, whole, &scheme, &authority, &path)) {
    const std::size_t end = path.rfind('/');
    if (end != std::string::npos && end + 1 != path.size())
      warn(reading, "\"" + path.substr(end) + "\" is dropped, as docker/distribution does: end the URL with a slash");
    return lower(scheme) + "://" + authority + path.substr(0, end + 1);
  }
  if (!reading.node.is_scalar() || !RE2::FullMatch(reading.node.text, partial))
    return allow("an absolute URL, as in https://registry.example.com:5000");
  warn(reading, "\"" + reading.node.text +
                    "\": without effect: it has no scheme, or no host; did you mean https://registry.example.com?");
  return std::string();
}

Result<HeaderList> to_headers(const Reading& reading) {
  // They frame a reply or say what it is: a second one beside the registry's own would make nonsense of it.
  constexpr std::array<std::string_view, 12> own{
      "connection", "content-encoding", "content-length", "content-range",     "content-type", "etag",
      "keep-alive", "last-modified",    "location",       "transfer-encoding", "trailer",      "x-request-id"};
  return header_list(reading, own);
}

Result<HeaderList> to_request_headers(const Reading& reading) {
  // Headers that frame a message or describe its body.
  constexpr std::array<std::string_view, 7> own{"connection", "content-encoding", "content-length",   "expect",
                                                "host",       "trailer",          "transfer-encoding"};
  return header_list(reading, own);
}

Result<std::string> to_metrics_path(const Reading& reading) {
  static const RE2 form(R"([!-~]{1,1000})");
  if (!RE2::FullMatch(reading.node.text, form)) return allow("a path, as in /metrics");
  if (!reading.node.text.starts_with('/'))
    warn(reading, "\"" + reading.node.text + "\": no path begins so: there are no metrics; did you mean /metrics?");
  return reading.node.text;
}

} // namespace berth::config
