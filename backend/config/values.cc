// Parsers of the values of config/services.h.
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "config/address.h"
#include "config/network.h"
#include "config/readers.h"

namespace berth::config {
namespace {

constexpr Duration max_duration = std::chrono::hours(24) * 365 * 100; // what is longer is as good as for ever
constexpr double max_go_duration = 9.2233e18;                         // in nanoseconds

std::unexpected<Error> allow(std::string what) { return fail(Code::invalid, std::move(what)); }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return result;
}

struct Unit {
  std::string_view name;
  double nanoseconds;
};
constexpr std::array<Unit, 8> units{
    {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};

// Takes one "1.5h" off the beginning of text; returns nullopt if text does not begin with one.
std::optional<double> take_term(std::string_view& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.begin() + digits, number, std::chars_format::fixed);
  if (digits == 0 || error != std::errc() || end != text.begin() + digits) return std::nullopt;
  text.remove_prefix(digits);
  const std::string_view name = text.substr(0, text.find_first_of("0123456789."));
  const auto unit = std::ranges::find(units, name, &Unit::name);
  if (unit == units.end()) return std::nullopt;
  text.remove_prefix(name.size());
  return number * unit->nanoseconds;
}

template <class T>
struct Word {
  std::string_view word;
  T value;
};

// One of some words, in any case.
template <class T, std::size_t Count>
Result<T> to_word(const Node& node, const std::array<Word<T>, Count>& words) {
  std::string all;
  for (std::size_t i = 0; i < Count; ++i) {
    if (node.is_scalar() && lower(node.text) == words[i].word) return words[i].value;
    all.append(i == 0 ? "" : i + 1 == Count ? " or " : ", ").append(words[i].word);
  }
  return allow(all);
}

// Go's names of the suites of TLS 1.2 that OpenSSL has too, and OpenSSL's.
constexpr std::array<std::pair<std::string_view, std::string_view>, 16> suites{{
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"},
    {"TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"},
    {"TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"},
    {"TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"},
}};

} // namespace

Result<Duration> to_duration(const Node& node) {
  const std::string what = "a time, as in 10s, 1h30m or 250ms (a bare number: nanoseconds)";
  if (!node.is_scalar() || node.text.empty()) return allow(what);
  if (const auto nanoseconds = yaml_number(node.text))
    return std::clamp(Duration(*nanoseconds), Duration(0), max_duration);
  std::string_view rest = node.text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.empty()) return allow(what);
  double total = 0;
  while (!rest.empty()) {
    const auto term = take_term(rest);
    if (!term) return allow(what);
    total += *term;
  }
  if (total > max_go_duration) return allow(what + "; at most 2562047h");
  return negative ? Duration(0) : std::min(Duration(static_cast<std::int64_t>(total)), max_duration);
}

Result<Duration> to_reload_drain(const Node& node) {
  BERTH_TRY(const Duration drain, to_duration(node));
  if (drain > std::chrono::seconds(60)) return allow("a time of at most 60s");
  return drain;
}

Result<Duration> to_age(const Node& node) {
  if (node.is_scalar() && (yaml_number(node.text) || node.text.starts_with('-')))
    return allow("a time with its unit, as in 168h or 90m");
  return to_duration(node);
}

Result<Duration> to_pause(const Node& node) {
  BERTH_TRY(const Duration pause, to_age(node));
  return std::max(pause, Duration(std::chrono::seconds(1)));
}

Result<Duration> to_grace(const Node& node) {
  const auto grace = to_age(node);
  if (!grace || *grace < std::chrono::hours(1)) return allow("a time with its unit, of at least 1h, as in 24h");
  return grace;
}

Result<std::optional<Duration>> to_untagged_age(const Node& node) {
  if (node.is_scalar() && lower(node.text) == "never") return std::nullopt;
  const auto age = to_grace(node);
  if (!age) return allow("never, or a time with its unit, of at least 1h, as in 168h");
  return *age;
}

Result<Duration> parse_age(const std::string& text) {
  return to_age({.kind = Node::Kind::scalar, .origin = {}, .text = text, .members = {}, .items = {}});
}

Result<Duration> parse_grace(const std::string& text) {
  return to_grace({.kind = Node::Kind::scalar, .origin = {}, .text = text, .members = {}, .items = {}});
}

Result<LogFormat> to_log_format(const Node& node) {
  return to_word<LogFormat, 3>(
      node, {{{"text", LogFormat::text}, {"json", LogFormat::json}, {"logstash", LogFormat::logstash}}});
}

// A value as Go prints it: [a b], map[k:v].
std::string go_text(const Node& node) {
  if (node.is_scalar()) return node.text;
  if (node.is_null()) return "<nil>";
  std::string text;
  for (const Node& item : node.items) text += (text.empty() ? "" : " ") + go_text(item);
  for (const Member& member : node.members)
    text += (text.empty() ? "" : " ") + member.key + ":" + go_text(member.value);
  return (node.is_map() ? "map[" : "[") + text + "]";
}

Result<std::vector<std::pair<std::string, std::string>>> to_log_fields(const Node& node) {
  static const RE2 form(R"([^\x00-\x1f\x7f]{1,64})");
  const std::string what = "a map of names without control characters, of at most 64 letters, and values";
  if (!node.is_map() || node.members.size() > max_list_items) return allow(what);
  std::vector<std::pair<std::string, std::string>> fields;
  for (const Member& member : node.members) {
    if (!RE2::FullMatch(member.key, form)) return allow(what + "; \"" + member.key + "\" is no such name");
    if (member.value.is_null()) continue;
    std::string text = go_text(member.value);
    if (text.size() > max_text_value_bytes)
      return allow(what + " of at most " + std::to_string(max_text_value_bytes) + " bytes");
    fields.emplace_back(member.key, std::move(text));
  }
  return fields;
}

Result<std::vector<std::string>> to_list(const Node& node) {
  std::vector<std::string> texts;
  if (node.is_scalar()) texts.push_back(node.text);
  if (node.is_map() || node.items.size() > max_list_items) return allow("a list of texts");
  for (const Node& item : node.items) {
    BERTH_TRY(std::string text, to_text(item));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::vector<std::string>> to_networks(const Node& node) {
  BERTH_TRY(std::vector<std::string> networks, to_list(node));
  for (const std::string& network : networks)
    if (!parse_network(network))
      return allow("a list of addresses and networks, as in 10.0.0.1, 10.0.0.0/8 or fd00::/8");
  return networks;
}

Result<std::vector<std::string>> to_paths(const Node& node) {
  BERTH_TRY(std::vector<std::string> paths, to_list(node));
  for (std::string& path : paths) {
    Node text = node;
    text.kind = Node::Kind::scalar;
    text.text = path;
    BERTH_TRY(path, to_path(text));
  }
  return paths;
}

Result<std::string> to_url(const Node& node) {
  static const RE2 form(R"((?i)https?://([^\s/?#@]+@)?([A-Z0-9._-]+|\[[0-9A-F:.]+\])(:[0-9]{1,5})?([/?][!-~]*)?)");
  if (!node.is_scalar() || node.text.size() > max_text_value_bytes || !RE2::FullMatch(node.text, form))
    return allow("an http or https URL");
  return node.text;
}

namespace {

// host:port, as it is dialled; without a host it is this one.
Result<std::string> dial_address(std::string_view text) {
  BERTH_TRY(ListenAddress address, parse_listen_address(text));
  if (address.host.empty()) address.host = "localhost";
  if (address.host.contains(':')) address.host = "[" + address.host + "]";
  return address.host + ":" + std::to_string(address.port);
}

} // namespace

Result<std::string> to_dial_address(const Node& node) {
  auto address = dial_address(node.text);
  if (!address) return allow("host:port, as in redis.example.com:6379");
  return address;
}

Result<std::vector<std::string>> to_redis_addresses(const Node& node) {
  BERTH_TRY(std::vector<std::string> addresses, to_list(node));
  for (std::string& address : addresses) {
    if (address.starts_with('/')) continue;
    auto dialled = dial_address(address);
    if (!dialled)
      return allow("host:port, as in redis.example.com:6379, or the path of a unix socket; the password stands under "
                   "redis.password");
    address = std::move(*dialled);
  }
  return addresses;
}

Result<MinimumTls> to_minimum_tls(const Node& node) {
  return to_word<MinimumTls, 4>(node, {{{"tls1.2", MinimumTls::v1_2},
                                        {"tls1.3", MinimumTls::v1_3},
                                        // Broken since: who asks for them gets what is not.
                                        {"tls1.0", MinimumTls::v1_2},
                                        {"tls1.1", MinimumTls::v1_2}}});
}

Result<ClientAuth> to_client_auth(const Node& node) {
  return to_word<ClientAuth, 4>(node, {{{"request-client-cert", ClientAuth::request},
                                        {"require-any-client-cert", ClientAuth::require_any},
                                        {"verify-client-cert-if-given", ClientAuth::verify_if_given},
                                        {"require-and-verify-client-cert", ClientAuth::require_and_verify}}});
}

Result<std::vector<std::string>> to_ciphers(const Node& node) {
  BERTH_TRY(const std::vector<std::string> names, to_list(node));
  std::vector<std::string> ciphers;
  for (const std::string& name : names) {
    const auto suite = std::ranges::find(suites, std::string_view(name), &decltype(suites)::value_type::first);
    if (suite != suites.end())
      ciphers.emplace_back(suite->second);
    else if (!name.starts_with("TLS_AES_") && !name.starts_with("TLS_CHACHA20_")) // those of TLS 1.3 are all on
      return allow("a list of Go's names, as in TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256; \"" + name + "\" is none");
  }
  return ciphers;
}

Result<> read_ciphers(const Reading& reading) {
  BERTH_TRY(reading.config.http.ciphers, to_ciphers(reading.node));
  // Names of TLS 1.3 alone: what may not be spoken without one of them is not spoken.
  if (reading.config.http.ciphers.empty() && !reading.node.items.empty())
    reading.config.http.minimum_tls = MinimumTls::v1_3; // the table has minimumtls before
  return {};
}

} // namespace berth::config
