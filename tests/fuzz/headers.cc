// Header values: lists, media types, Accept, entity tags, Forwarded, authorities. Input: a line with a short text (an
// entity tag, an authority, a member of Forwarded), and the value of a header.
#include <algorithm>

#include "fuzz/oracle.h"
#include "http/headers.h"
#include "http/limits.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

const Grammar authority_grammar(R"((?:[A-Za-z0-9._-]+|\[[A-Za-z0-9:.]{2,}\])(?::[0-9]{1,5})?)");
const Grammar tag_grammar("[A-Za-z0-9:+._-]+"); // entity tags of berth are digests

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

void check_list(std::string_view value) {
  const auto elements = http::split_list(value);
  std::string joined;
  for (std::string_view element : elements) {
    require(!element.empty() && http::trim(element) == element);
    require(element.data() >= value.data() && element.end() <= value.end());
    joined.append(joined.empty() ? "" : " ,,\t").append(element);
  }
  require(std::ranges::equal(http::split_list(joined), elements));
}

void check_media_types(std::string_view value) {
  const std::string type = http::media_type(value);
  require(type.find(';') == std::string::npos && http::to_lower(type) == type && http::trim(type) == type);
  require(http::media_type(type) == type && http::media_type(type + " ; q=0.1") == type);

  const http::Accept accept(value);
  const auto elements = http::split_list(value);
  require(accept.empty() == elements.empty());
  for (std::size_t i = 0; i < std::min(elements.size(), http::max_accept_entries); ++i)
    require(accept.names(http::media_type(elements[i])));
}

void check_entity_tags(std::string_view tag, std::string_view value) {
  http::none_match_names(value, tag);
  http::if_range_names(value, tag);
  if (!tag_grammar.matches(tag)) return;
  const std::string bare(tag), strong = quoted(tag), weak = "W/" + strong;
  for (const std::string& form : {bare, strong, weak, std::string("*")}) {
    require(http::none_match_names(form, tag));
    require(http::none_match_names(form + ", " + std::string(value), tag));
    require(http::if_range_names(form, tag) == (form == bare || form == strong));
  }
  require(!http::none_match_names(quoted(bare + "x"), tag) && !http::if_range_names(quoted(bare + "x"), tag));
}

void check_forwarded(std::string_view text, std::string_view value) {
  http::parse_forwarded(value);
  const std::string element = "for=\"[::1],;\" ; Proto=" + quoted(value) + ";HOST=" + quoted(text);
  const http::Forwarded forwarded = http::parse_forwarded(element + ", proto=ftp;host=elsewhere");
  require(forwarded.proto == value && forwarded.host == text);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view value = text_of(bytes, size);
  const std::string_view text = take_line(value);
  require(http::is_authority(text) == (text.size() <= 261 && authority_grammar.matches(text)));
  check_list(value);
  check_media_types(value);
  check_entity_tags(text, value);
  check_forwarded(text, value);
  return 0;
}
