// Request targets: paths and queries, decoded and encoded. Input: a target.
#include <algorithm>

#include "fuzz/oracle.h"
#include "http/limits.h"
#include "http/url.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

const Grammar path_grammar("(?:[A-Za-z0-9._~/:@!$&'()*+,;=-]|%[0-9A-F]{2})*");
const Grammar query_grammar("(?:[A-Za-z0-9._~+-]|%[0-9A-F]{2})*");

void check_path(std::string_view raw) {
  const auto path = http::decode_path(raw);
  if (!path) return require(is(path.error(), Code::bad_request));
  require(path->find('\0') == std::string::npos);
  const std::string encoded = http::encode_path(*path);
  require(path_grammar.matches(encoded));
  require(http::decode_path(encoded).value() == *path);
  require(http::encode_path(http::decode_path(encoded).value()) == encoded);
}

void check_query(std::string_view raw) {
  const http::Query query = http::Query::parse(raw);
  require(query.pairs().size() <= http::max_query_pairs);
  std::string again;
  for (const auto& [name, value] : query.pairs()) {
    const auto first = std::ranges::find(query.pairs(), name, &std::pair<std::string, std::string>::first);
    require(query.has(name) && query.get(name) == first->second);
    const std::string pair = http::encode_query(name) + "=" + http::encode_query(value);
    require(query_grammar.matches(http::encode_query(name)) && query_grammar.matches(http::encode_query(value)));
    again += again.empty() ? pair : "&" + pair;
  }
  require(http::Query::parse(again).pairs() == query.pairs());
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = text_of(bytes, size);
  const auto [path, query] = http::split_target(text);
  require(path.find('?') == std::string_view::npos);
  require(path.size() == size || std::string(path) + "?" + std::string(query) == text);
  check_path(path);
  check_query(query);
  return 0;
}
