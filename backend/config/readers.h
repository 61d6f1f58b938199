// Readers of values, each for one kind; Field is a function that picks the member of Config which takes the value.
// For config/ alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/keys.h"

namespace berth::config {

// Limits of lists and maps: allow lists, header names, the values of one header.
inline constexpr std::size_t max_list_items = 1000;
inline constexpr std::size_t max_text_value_bytes = 4096;

// Plain parsers. Errors: invalid, the message says what is allowed.
Result<bool> to_flag(const Node& node);
Result<std::string> to_text(const Node& node);
// A number of YAML 1.1 where Go takes a whole one: 1_000, 0x10, 010 (eight), 1e3, 1.9 (one). Returns nullopt if it is
// no number.
std::optional<std::int64_t> yaml_number(std::string_view text);
Result<std::int64_t> to_integer(const Node& node, std::int64_t low, std::int64_t high);
Result<LogLevel> to_level(const Node& node);
// Absolute, without `.`, `..`, doubled or trailing slashes; a relative path starts at the working directory. Refuses
// what nginx's configuration cannot hold: control characters, quotes, backslashes, `$`.
Result<std::string> to_path(const Node& node);
Result<std::vector<std::string>> to_patterns(const Node& node); // RE2 expressions that compile
Result<IndexPlatforms> to_index_platforms(const Node& node);
Result<std::vector<Platform>> to_platforms(const Node& node);
Result<std::string> to_address(const Node& node);
Result<std::string> to_origin(const Node& node); // a URL without a path
Result<std::string> to_user(const Node& node);

// values.cc: the values of config/services.h. Go's form: "1h30m", "1.5s", "250ms"; a whole number counts nanoseconds. A
// negative time counts as none.
Result<Duration> to_duration(const Node& node);
Result<Duration> to_reload_drain(const Node& node);
// The same, with a unit and not negative: a bare 168 that meant hours removes everything.
Result<Duration> to_age(const Node& node);
Result<Duration> to_pause(const Node& node);                       // the same, of a second at least
Result<Duration> to_grace(const Node& node);                       // the same as to_age, of an hour at least
Result<std::optional<Duration>> to_untagged_age(const Node& node); // the same; never: nothing
Result<LogFormat> to_log_format(const Node& node);
Result<std::vector<std::pair<std::string, std::string>>> to_log_fields(const Node& node);
Result<std::vector<std::string>> to_list(const Node& node);            // of texts
Result<std::vector<std::string>> to_networks(const Node& node);        // each as parse_network reads it
Result<std::vector<std::string>> to_paths(const Node& node);           // each as to_path
Result<std::string> to_url(const Node& node);                          // http or https
Result<std::string> to_dial_address(const Node& node);                 // host:port
Result<std::vector<std::string>> to_redis_addresses(const Node& node); // host:port or the path of a unix socket
Result<MinimumTls> to_minimum_tls(const Node& node);
Result<ClientAuth> to_client_auth(const Node& node);
Result<std::vector<std::string>> to_ciphers(const Node& node); // OpenSSL's names for Go's

// access_values.cc: the values of berth.access.
Result<std::vector<AccessRules::Group>> to_groups(const Node& node);
Result<Duration> to_token_lifetime(const Node& node);
Result<Duration> to_refresh_lifetime(const Node& node); // 0: none
Result<std::string> to_issuer_name(const Node& node);
Result<std::string> to_secure_url(const Node& node); // https; http to this host
Result<std::string> to_url_or_path(const Node& node);
Result<std::string> to_directory_url(const Node& node); // ldap or ldaps
Result<std::string> to_directory_filter(const Node& node);
Result<std::string> to_certificate_subject(const Node& node);
// Begin an element of a list, with its place.
Result<> begin_rule(const Reading& reading);
Result<> begin_issuer(const Reading& reading);
Result<> begin_immutable(const Reading& reading);

// http_values.cc: those that may warn of what they take.
Result<std::string> to_prefix(const Reading& reading);         // with its last slash
Result<std::string> to_base_url(const Reading& reading);       // to its last slash; empty if it has no effect
Result<HeaderList> to_headers(const Reading& reading);         // of berth's own replies
Result<HeaderList> to_request_headers(const Reading& reading); // of requests that berth makes
Result<std::string> to_metrics_path(const Reading& reading);

// A Reader from a parser.
template <auto Field, auto Parse>
Result<> value(const Reading& reading) {
  BERTH_TRY(auto parsed, Parse(reading.node));
  Field(reading.config) = std::move(parsed);
  return {};
}

// The same for one that may warn.
template <auto Field, auto Parse>
Result<> told(const Reading& reading) {
  BERTH_TRY(auto parsed, Parse(reading));
  Field(reading.config) = std::move(parsed);
  return {};
}

// A number that is brought into its range; one below it may stand for the default.
template <auto Field, std::int64_t Low, std::int64_t High>
Result<> limited(const Reading& reading) {
  BERTH_TRY(const std::int64_t parsed, to_integer(reading.node, std::numeric_limits<std::int64_t>::min(),
                                                  std::numeric_limits<std::int64_t>::max()));
  using Target = std::remove_reference_t<decltype(Field(reading.config))>;
  static_assert(std::cmp_less_equal(High, std::numeric_limits<Target>::max()));
  if (parsed >= Low) Field(reading.config) = static_cast<Target>(std::min(parsed, High));
  return {};
}

template <auto Field, std::int64_t Low, std::int64_t High>
Result<> integer(const Reading& reading) {
  BERTH_TRY(const std::int64_t parsed, to_integer(reading.node, Low, High));
  using Target = std::remove_reference_t<decltype(Field(reading.config))>;
  static_assert(std::cmp_less_equal(High, std::numeric_limits<Target>::max()));
  Field(reading.config) = static_cast<Target>(parsed);
  return {};
}

// Begins an element of a list of maps; Field is the list.
template <auto Field>
Result<> element(const Reading& reading) {
  Field(reading.config).emplace_back();
  return {};
}

// A list that two spellings fill.
template <auto Field, auto Parse>
Result<> more(const Reading& reading) {
  BERTH_TRY(auto parsed, Parse(reading.node));
  Field(reading.config).insert(Field(reading.config).end(), parsed.begin(), parsed.end());
  return {};
}

// Readers of keys that are more than one value.
Result<> read_descriptor_cache(const Reading& reading);   // storage.cache.blobdescriptor
Result<> read_delete(const Reading& reading);             // storage.delete.enabled
Result<> read_validation_enabled(const Reading& reading); // the old spelling of validation.disabled
Result<> read_ciphers(const Reading& reading);            // http.tls.ciphersuites, which may rule TLS 1.2 out

// Readers that refuse a config which berth cannot honour without being less safe than the config asks for.
Result<> refuse_middleware(const Reading& reading);
Result<> refuse_proxy(const Reading& reading);
Result<> refuse_lets_encrypt(const Reading& reading);
Result<> refuse_unix_listener(const Reading& reading);

// Readers of keys without effect, for those whose user may count on one: they warn.
Result<> warn_of_mail(const Reading& reading); // log.hooks
Result<> warn_of_storage_middleware(const Reading& reading);

} // namespace berth::config
