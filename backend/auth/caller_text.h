// Callers as text: what a token of ours says of whom it was given to, so that it can be judged as if that caller came
// in person.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access.h"
#include "base/result.h"
#include "model/strict_json.h"

namespace berth::auth {

// An object; what is empty is left out, and so nobody in particular is {}.
model::Json caller_json(const Caller& caller);
// Errors: another form.
Result<Caller> caller_of(const model::Json& json);

// The same as a text. Nobody is an empty one, and so is a caller with a name that is no UTF-8.
std::string caller_text(const Caller& caller);
// Errors: unauthorized for another form.
Result<Caller> read_caller(std::string_view text);

// Lists of lists of as many strings, as `name` of an object; empty if it is absent. Errors: unauthorized.
template <std::size_t Size>
Result<std::vector<std::array<std::string, Size>>> string_lists(const model::Json& object, const char* name) {
  const auto refused = [name] { return fail(Code::unauthorized, std::string(name) + " has another form"); };
  std::vector<std::array<std::string, Size>> read;
  const auto list = object.find(name);
  if (list == object.end()) return read;
  if (!list->is_array()) return refused();
  for (const model::Json& entry : *list) {
    if (!entry.is_array() || entry.size() != Size) return refused();
    auto& made = read.emplace_back();
    for (std::size_t at = 0; at < Size; ++at) {
      if (!entry[at].is_string()) return refused();
      made[at] = entry[at].get<std::string>();
    }
  }
  return read;
}

// Which of the names `name` of an object is. Errors: unauthorized.
template <std::size_t Size>
Result<std::size_t> one_of(const std::array<std::string_view, Size>& names, const model::Json& object,
                           const char* name) {
  const auto text = model::string_member(object, name);
  for (std::size_t at = 0; text && at < Size; ++at)
    if (names[at] == *text) return at;
  return fail(Code::unauthorized, std::string(name) + " is unknown");
}

} // namespace berth::auth
