// Paths and queries of a request target: taking them apart and writing them.
// Spec: RFC 3986; for queries, application/x-www-form-urlencoded as Go's net/url reads and writes it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace berth::http {

// A target cut at its first `?`; both parts are still encoded.
struct Target {
  std::string_view path;
  std::string_view query;
};
Target split_target(std::string_view target);

// Decodes once. Errors: bad_request for a malformed escape or a NUL.
Result<std::string> decode_path(std::string_view raw);
// The reverse, for a path to be sent: '/' and the characters RFC 3986 allows in a segment stay.
std::string encode_path(std::string_view path);

// The parameters of a query, in order, at most max_query_pairs of them.
class Query {
public:
  Query() = default;
  // `+` is a space. A name or value with a malformed escape keeps its text as it is: no grammar takes it then, and the
  // endpoint answers with its own error.
  static Query parse(std::string_view raw);

  bool has(std::string_view name) const;
  // The first value, or empty.
  std::string_view get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }

private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// A name or value of a query: letters, digits and `-._~` stay, a space is `+`.
std::string encode_query(std::string_view text);

} // namespace berth::http
