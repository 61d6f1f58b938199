// The table that most tests of the API are written in: request → status, headers, body.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "unit/api/face.h"

namespace berth::test {

// One row. {names} in all texts are replaced; an expected header of "-" must be absent; no body: not looked at.
struct Case {
  std::string request;
  int status;
  std::string code;
  Fields replies = {};
  Fields sends = {};
  std::optional<std::string> body = {};
  std::string data = {};
};
using Names = std::map<std::string, std::string>;

inline std::string fill(std::string text, const Names& names) {
  for (const auto& [name, value] : names)
    for (std::size_t at; (at = text.find("{" + name + "}")) != std::string::npos;)
      text.replace(at, name.size() + 2, value);
  return text;
}

inline void run(Face& face, const std::vector<Case>& table, const Names& names = {}) {
  for (const Case& row : table) {
    Fields sends;
    for (const auto& [name, value] : row.sends) sends.emplace_back(name, fill(value, names));
    const Reply reply = face.send(fill(row.request, names), sends, row.data);
    CAPTURE(row.request, row.sends, reply.body(), reply.response.headers.fields());
    CHECK(reply.status() == row.status);
    CHECK(reply.code() == row.code);
    for (const auto& [name, value] : row.replies) {
      CAPTURE(name);
      if (value == "-")
        CHECK_FALSE(reply.response.headers.has(name));
      else
        CHECK(reply.header(name) == fill(value, names));
    }
    if (row.body) CHECK(reply.body() == fill(*row.body, names));
  }
}

} // namespace berth::test
