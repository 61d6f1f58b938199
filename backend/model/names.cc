#include "model/names.h"

#include <algorithm>

namespace berth::model {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }
bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

// Takes one separator of a component (`.`, `_`, `__` or any run of `-`) off the front; false if the text does not begin
// with one.
bool take_separator(std::string_view& text) {
  if (text.starts_with("__"))
    text.remove_prefix(2);
  else if (text.starts_with('.') || text.starts_with('_'))
    text.remove_prefix(1);
  else if (text.starts_with('-'))
    text.remove_prefix(std::min(text.find_first_not_of('-'), text.size()));
  else
    return false;
  return true;
}

bool take_alnum(std::string_view& text) {
  const auto end = std::ranges::find_if_not(text, is_lower_alnum);
  const auto length = static_cast<std::size_t>(end - text.begin());
  text.remove_prefix(length);
  return length > 0;
}

bool is_component(std::string_view text) {
  if (!take_alnum(text)) return false;
  while (!text.empty())
    if (!take_separator(text) || !take_alnum(text)) return false;
  return true;
}

} // namespace

Result<RepositoryName> RepositoryName::parse(std::string_view text) {
  if (text.size() > max_length)
    return fail(Code::name_invalid, {}, "repository name must not be more than 255 characters");
  std::string_view rest = text;
  for (;;) {
    const std::size_t slash = rest.find('/');
    if (!is_component(rest.substr(0, slash))) return fail(Code::name_invalid, {}, "invalid reference format");
    if (slash == std::string_view::npos) return RepositoryName(std::string(text));
    rest.remove_prefix(slash + 1);
  }
}

bool Tag::is_valid(std::string_view text) {
  const auto is_first = [](char c) { return is_alnum(c) || c == '_'; };
  const auto is_later = [&](char c) { return is_first(c) || c == '.' || c == '-'; };
  return !text.empty() && text.size() <= max_length && is_first(text.front()) && std::ranges::all_of(text, is_later);
}

Result<Tag> Tag::parse(std::string_view text) {
  if (!is_valid(text)) return fail(Code::tag_invalid, {}, "invalid tag format");
  return Tag(std::string(text));
}

Result<UploadId> UploadId::parse(std::string_view text) {
  const auto is_allowed = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  if (text.empty() || text.size() > max_length || text.front() == '.' || !std::ranges::all_of(text, is_allowed))
    return fail(Code::blob_upload_unknown);
  return UploadId(std::string(text));
}

Result<Reference> parse_reference(std::string_view text) {
  if (text.find(':') != std::string_view::npos) {
    BERTH_TRY(Digest digest, Digest::parse(text));
    return Reference(std::move(digest));
  }
  BERTH_TRY(Tag tag, Tag::parse(text));
  return Reference(std::move(tag));
}

} // namespace berth::model
