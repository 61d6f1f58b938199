// JSON as berth reads it from strangers: within limits, and without what two parsers would understand differently.
// For model/ alone. Errors: manifest_invalid, with what is wrong in detail.
#pragma once

#include <nlohmann/json.hpp>

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

// Whether a member is there and not null.
bool has_value(const Json& object, const char* name);
// A member as a string; empty if it is absent or null.
Result<std::string> string_member(const Json& object, const char* name);
// A member as an array of strings; empty if it is absent or null.
Result<std::vector<std::string>> strings_member(const Json& object, const char* name);

} // namespace berth::model
