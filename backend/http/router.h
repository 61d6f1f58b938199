// Router: finds the row of a table that a method and a path belong to.
// A pattern is a path; a segment in braces is a parameter: {digest} stands for one segment, {name...} for one or more.
// One {name...} at most is in a pattern; what stands right of it is matched from the right end of the path, so that a
// name may hold any word. The table's order decides between patterns. A GET row answers HEAD too.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/headers.h"

namespace berth::http {

// The values of a pattern's parameters.
class PathParameters {
public:
  void add(std::string_view name, std::string value) { values_.emplace_back(name, std::move(value)); }
  // Empty if the pattern has no such parameter.
  const std::string& get(std::string_view name) const;

private:
  std::vector<std::pair<std::string_view, std::string>> values_; // names are those of the table
};

// Matches one pattern. Borrows: pattern, in the result.
std::optional<PathParameters> match(std::string_view pattern, std::string_view path);
// Whether match finds something.
bool matches(std::string_view pattern, std::string_view path);

// Whether a path (decoded) is absolute and no segment is empty, `.` or `..`; the last may be empty.
bool is_clean_path(std::string_view path);

// The path with a slash at its end if it had none, and the reverse.
std::string with_other_ending(std::string_view path);

// Where a request goes.
template <class Row>
struct Routed {
  enum class To { row, moved, wrong_method, nowhere } to = To::nowhere;
  const Row* row = nullptr;  // to == row; to == wrong_method: one of the path's
  PathParameters parameters; // the same
  std::string location;      // to == moved: the same path with, or without, a slash at its end; decoded
  std::string allow;         // to == wrong_method: the methods the path has, "GET, HEAD, PUT"
};

// The methods that the table has for a pattern, as Allow lists them; `but` is left out.
template <class Row>
std::string methods_of(std::span<const Row> table, std::string_view pattern, std::string_view but = {}) {
  std::string methods;
  for (const Row& row : table)
    if (row.pattern == pattern && row.method != but)
      methods.append(methods.empty() ? "" : ", ").append(row.method == "GET" ? "GET, HEAD" : row.method);
  return methods;
}

// Null if the table has none.
template <class Row>
const Row* find_row(std::span<const Row> table, std::string_view pattern, std::string_view method) {
  for (const Row& row : table)
    if (row.pattern == pattern && row.method == method) return &row;
  return nullptr;
}

// Row has the members `std::string_view method` and `std::string_view pattern`.
template <class Row>
Routed<Row> route(std::span<const Row> table, std::string_view method, std::string_view path) {
  using To = typename Routed<Row>::To;
  if (!is_clean_path(path)) return {};
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  const std::string other = with_other_ending(path);
  for (const Row& first : table) { // the first row with a pattern that fits decides
    if (matches(first.pattern, path)) {
      PathParameters parameters = *match(first.pattern, path);
      if (const Row* row = find_row(table, first.pattern, wanted)) return {To::row, row, std::move(parameters), {}, {}};
      return {To::wrong_method, &first, std::move(parameters), {}, methods_of(table, first.pattern)};
    }
    if (matches(first.pattern, other)) return {To::moved, nullptr, {}, other, {}};
  }
  return {};
}

// The row that route finds; null if it finds none. Makes no parameters.
template <class Row>
const Row* row_of(std::span<const Row> table, std::string_view method, std::string_view path) {
  if (!is_clean_path(path)) return nullptr;
  const std::string other = with_other_ending(path);
  for (const Row& first : table) {
    if (matches(first.pattern, path)) return find_row(table, first.pattern, method == "HEAD" ? "GET" : method);
    if (matches(first.pattern, other)) return nullptr;
  }
  return nullptr;
}

} // namespace berth::http
