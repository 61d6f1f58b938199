// JSON as berth reads it from strangers: within limits, and without what two parsers would understand differently.
// For model/ and auth/ alone. Errors: manifest_invalid, with what is wrong in detail.
#pragma once

#include <nlohmann/json.hpp>

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::model {

using Json = nlohmann::json;

// Deepest nesting of arrays and objects that is parsed.
inline constexpr int max_json_depth = 64;
// Most values (objects, arrays, strings, numbers, …) in a document: what keeps a small one from filling the memory.
inline constexpr int max_json_values = 200'000;

enum class Duplicates { allowed, refused };

// Parses a document that is an object. Invalid UTF-8, deeper nesting than max_json_depth, more values than
// max_json_values, anything after the document and, unless they are allowed, duplicate keys are refused.
Result<Json> parse_json(std::string_view bytes, Duplicates duplicates);

// A document takes up to twenty times its own bytes when it is parsed, and anybody may send many of the largest at
// once. So whoever parses one whose size strangers choose takes a turn first, and keeps it until what was parsed is
// gone: large documents are parsed one after the other, and their memory goes back to the system. Others do not wait.
// Requires: the thread has no other turn.
class DocumentTurn {
public:
  explicit DocumentTurn(std::size_t document_bytes);
  ~DocumentTurn();
  DocumentTurn(const DocumentTurn&) = delete;

private:
  std::unique_lock<std::mutex> held_; // not held for a small document
};

// Whether a member is there and not null.
bool has_value(const Json& object, const char* name);
// A member as a string; empty if it is absent or null.
Result<std::string> string_member(const Json& object, const char* name);
// A member as an array of strings; empty if it is absent or null. A null in it is an empty string, as in Go.
Result<std::vector<std::string>> strings_member(const Json& object, const char* name);

} // namespace berth::model
