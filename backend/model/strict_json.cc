#include "model/strict_json.h"

#include <malloc.h>

#include <set>

namespace berth::model {
namespace {

constexpr std::size_t max_small_document = 256 * 1024;

std::unexpected<Error> invalid(std::string detail) { return fail(Code::manifest_invalid, {}, std::move(detail)); }

// Refuses what parsers disagree about or choke on: a key that stands twice in one object, deep nesting, too many
// values. A pass of its own, as the library's callback for building a document takes time quadratic in the length of an
// array.
class StrictCheck final : public nlohmann::json_sax<Json> {
public:
  explicit StrictCheck(Duplicates duplicates) : duplicates_(duplicates) {}
  const std::string& why_not() const { return why_not_; }

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return enter();
  }
  bool key(string_t& name) override {
    if (duplicates_ == Duplicates::allowed || keys_.back().insert(name).second) return true;
    return refuse("duplicate key \"" + name + "\"");
  }
  bool end_object() override {
    keys_.pop_back();
    return leave();
  }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    // The parser's message quotes the input, which may not be UTF-8 and then cannot be part of a reply.
    const bool encoding = std::string_view(error.what()).find("UTF-8") != std::string_view::npos;
    return refuse(encoding ? "not JSON: invalid UTF-8" : "not JSON: syntax error");
  }

private:
  bool refuse(std::string why) {
    why_not_ = std::move(why);
    return false;
  }
  bool count() { return ++values_ <= max_json_values || refuse("too many values"); }
  bool enter() {
    if (++depth_ > max_json_depth) return refuse("nested too deeply");
    return count();
  }
  bool leave() {
    --depth_;
    return true;
  }

  Duplicates duplicates_;
  int depth_ = 0;
  int values_ = 0;
  std::vector<std::set<std::string>> keys_; // of the objects that are open
  std::string why_not_;
};

} // namespace

Result<Json> parse_json(std::string_view bytes, Duplicates duplicates) {
  // The parser would pass over both, clients do not.
  if (bytes.starts_with("\xef\xbb\xbf") || bytes.find('\0') != std::string_view::npos)
    return invalid("not JSON: a byte order mark or a NUL byte");
  StrictCheck check(duplicates);
  try {
    if (!Json::sax_parse(bytes, &check)) return invalid(check.why_not());
  } catch (const Json::exception&) { // a number out of range
    return invalid("not JSON: syntax error");
  }
  Json json = Json::parse(bytes, nullptr, false); // no exceptions
  if (json.is_discarded()) return invalid("not JSON: syntax error");
  if (!json.is_object()) return invalid("not a JSON object");
  return json;
}

DocumentTurn::DocumentTurn(std::size_t document_bytes) {
  static std::mutex one_at_a_time;
  if (document_bytes > max_small_document) held_ = std::unique_lock(one_at_a_time);
}

// The values were small and many: free() alone keeps such memory for the next one, of this thread.
DocumentTurn::~DocumentTurn() {
  if (held_) ::malloc_trim(0);
}

Result<std::string> string_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || member->is_null()) return std::string();
  if (!member->is_string()) return invalid(std::string(name) + " is not a string");
  return member->get<std::string>();
}

Result<std::vector<std::string>> strings_member(const Json& object, const char* name) {
  std::vector<std::string> strings;
  const auto member = object.find(name);
  if (member == object.end() || member->is_null()) return strings;
  if (!member->is_array()) return invalid(std::string(name) + " is not an array");
  for (const Json& element : *member) {
    if (!element.is_string() && !element.is_null())
      return invalid(std::string(name) + " holds something else than strings");
    strings.push_back(element.is_null() ? std::string() : element.get<std::string>());
  }
  return strings;
}

bool has_value(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && !member->is_null();
}

} // namespace berth::model
