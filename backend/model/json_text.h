// JSON text, byte for byte as Go's encoding/json writes it: ids and digests of old image formats are made of such
// bytes. Spec: Go 1.4 to 1.21 encoding/json, with its HTML escaping (<, >, & and the separators U+2028 and U+2029 as
// \u00XX).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::model {

// A string with its quotes. Requires: valid UTF-8.
std::string json_quote(std::string_view text);

// The functions below take text that is valid JSON (parse_json of strict_json.h has seen it).

// Without blanks between the values, escaped; numbers and strings stay as they were spelt otherwise.
std::string json_compact(std::string_view json);
// Compact JSON spread over lines: each but the first begins with prefix, then indent as often as it is deep.
std::string json_indent(std::string_view compact, std::string_view prefix, std::string_view indent);

// The members of an object in the order of the text; value is a part of it, with no blanks around.
struct JsonMember {
  std::string name; // unescaped
  std::string_view value;
};
std::vector<JsonMember> json_members(std::string_view object);

} // namespace berth::model
