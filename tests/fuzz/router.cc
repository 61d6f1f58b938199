// The router, over the table of the v2 API. Input: a line with a method, and a decoded path.
#include <map>

#include "api/v2/endpoints.h"
#include "fuzz/oracle.h"
#include "http/router.h"

using namespace berth;
using namespace berth::fuzz;
using api::v2::Endpoint;
using Routed = http::Routed<Endpoint>;

namespace {

// A pattern of the table as a regular expression.
const Grammar& grammar_of(std::string_view pattern) {
  static std::map<std::string_view, Grammar> grammars;
  if (const auto found = grammars.find(pattern); found != grammars.end()) return found->second;
  std::string expression = "(?s)" + RE2::QuoteMeta({pattern.data(), pattern.size()});
  RE2::GlobalReplace(&expression, R"(\\\{\w+\\\.\\\.\\\.\\\})", ".+");
  RE2::GlobalReplace(&expression, R"(\\\{\w+\\\})", "[^/]+");
  return grammars.try_emplace(pattern, expression).first->second;
}

const Endpoint* first_fit(std::string_view path) {
  for (const Endpoint& row : api::v2::endpoints())
    if (grammar_of(row.pattern).matches(path)) return &row;
  return nullptr;
}

// The pattern with its parameters put back: the path it came from.
std::string filled(std::string_view pattern, const http::PathParameters& parameters) {
  std::string path;
  while (!pattern.empty()) {
    path += take_until('{', pattern);
    if (pattern.empty()) break;
    std::string_view name = take_until('}', pattern);
    if (name.ends_with("...")) name.remove_suffix(3);
    path += parameters.get(name);
  }
  return path;
}

void check_row(const Routed& routed, std::string_view method, std::string_view path) {
  require(routed.row->method == (method == "HEAD" ? "GET" : method));
  require(routed.row->pattern == first_fit(path)->pattern);
  require(filled(routed.row->pattern, routed.parameters) == path);
}

void check_moved(const Routed& routed, std::string_view method, std::string_view path) {
  require(routed.location == http::with_other_ending(path));
  const auto there = http::route(api::v2::endpoints(), method, routed.location).to;
  require(there == Routed::To::row || there == Routed::To::wrong_method); // never on and on
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view path = text_of(bytes, size);
  const std::string_view method = take_line(path);
  const Routed routed = http::route(api::v2::endpoints(), method, path);
  if (!http::is_clean_path(path)) {
    require(routed.to == Routed::To::nowhere);
    return 0;
  }
  require(path.find("//") == std::string_view::npos && path.find("/../") == std::string_view::npos);
  switch (routed.to) {
  case Routed::To::row: check_row(routed, method, path); break;
  case Routed::To::moved: check_moved(routed, method, path); break;
  case Routed::To::wrong_method:
    require(first_fit(path) != nullptr);
    require((", " + routed.allow + ",").find(", " + std::string(method) + ",") == std::string::npos);
    break;
  case Routed::To::nowhere:
    require(first_fit(path) == nullptr && first_fit(http::with_other_ending(path)) == nullptr);
    break;
  }
  return 0;
}
