// Parsers of the header values that berth looks into. All are lenient: what cannot be read counts as not sent.
// Spec: RFC 9110 sections 5.6 (lists), 8.3 (media types), 8.8.3 (entity tags), 12.5.1 (Accept); RFC 7239 (Forwarded).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::http {

bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);
// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);

// The elements of a comma-separated list, trimmed, empty ones left out; a comma in a quoted string separates nothing.
std::vector<std::string_view> split_list(std::string_view value);

// The type of a Content-Type or of one element of Accept: lower case, without parameters.
std::string media_type(std::string_view value);

// The types that an Accept header names, without parameters, at most max_accept_entries of them.
class Accept {
public:
  explicit Accept(std::string_view header);
  // Whether nothing was named.
  bool empty() const { return types_.empty(); }
  // Whether exactly this type was named; wildcards do not count.
  bool names(std::string_view type) const;
  // Whether `*/*` or `application/*` was named, which cover every type of manifest.
  bool has_wildcard() const { return names("*/*") || names("application/*"); }

private:
  std::vector<std::string> types_;
};

// Whether If-None-Match names the entity tag: quoted, weak (W/"tag"), bare as older Docker clients write it, or `*`.
// tag is without quotes.
bool none_match_names(std::string_view if_none_match, std::string_view tag);
// Whether If-Range is strongly equal to the entity tag: quoted or bare; a weak tag or a date is not.
bool if_range_names(std::string_view if_range, std::string_view tag);

// The client's own request, by the first element of Forwarded; a member is empty if that does not say it.
struct Forwarded {
  std::string proto;
  std::string host;
};
Forwarded parse_forwarded(std::string_view value);

// Whether the text can stand as host[:port] in a URL: a name, an IPv4 or a bracketed IPv6 address, nothing else.
bool is_authority(std::string_view text);

} // namespace berth::http
