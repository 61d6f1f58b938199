// Readers of the sections that join berth to other services.
#include "config/services.h"

#include <re2/re2.h>

#include <array>
#include <charconv>

#include "config/readers.h"

namespace berth::config {
namespace {

constexpr Duration max_duration = std::chrono::hours(24 * 365 * 100);

std::unexpected<Error> allow(std::string what) { return fail(Code::invalid, std::move(what)); }

// One number with its unit off the front, in nanoseconds; negative if there is none.
double take_term(std::string_view& rest) {
  constexpr std::array<std::pair<std::string_view, double>, 8> units{
      {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
  double number = -1;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
  if (error != std::errc() || number < 0) return -1;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  for (const auto& [unit, nanoseconds] : units) {
    if (!rest.starts_with(unit)) continue;
    rest.remove_prefix(unit.size());
    return number * nanoseconds;
  }
  return -1;
}

// Messages of values inside a list or section, which have no key of their own in the table.
Result<> inside(std::string_view key, Result<> read) {
  if (read) return {};
  return allow(std::string(key) + ": " + read.error().message);
}

template <class Value>
Result<> take(const Node& node, std::string_view key, Value& into, Result<Value> (*parse)(const Node&)) {
  const Node* found = node.at(key);
  if (!found || found->is_null()) return {};
  auto parsed = parse(*found);
  if (!parsed) return inside(key, std::unexpected(std::move(parsed).error()));
  into = *std::move(parsed);
  return {};
}

Result<int> to_count(const Node& node) {
  BERTH_TRY(const std::int64_t count, to_integer(node, -1, 1'000'000));
  return static_cast<int>(count);
}

Result<std::vector<std::string>> to_list(const Node& node) {
  std::vector<std::string> texts;
  if (node.is_scalar() && !node.text.empty()) texts.push_back(node.text);
  if (node.is_map() || node.items.size() > max_list_items) return allow("a list of texts");
  for (const Node& item : node.items) {
    if (!item.is_scalar()) return allow("a list of texts");
    texts.push_back(item.text);
  }
  return texts;
}

Result<std::vector<std::string>> to_paths(const Node& node) {
  std::vector<std::string> paths;
  for (const Node& item : node.items) {
    BERTH_TRY(auto path, to_path(item));
    paths.push_back(std::move(path));
  }
  return paths;
}

Result<std::string> to_url(const Node& node) {
  static const RE2 form(R"((?i)https?://[^/\s?#]+([/?#][^\s]*)?)");
  if (!node.is_scalar() || node.text.size() > max_text_value_bytes || !RE2::FullMatch(node.text, form))
    return allow("an absolute http or https URL");
  return node.text;
}

Result<NotificationEndpoint> to_endpoint(const Node& node) {
  if (!node.is_map()) return allow("a list of maps, each with name and url");
  NotificationEndpoint endpoint;
  BERTH_CHECK(take(node, "disabled", endpoint.disabled, to_flag));
  BERTH_CHECK(take(node, "name", endpoint.name, to_text));
  BERTH_CHECK(take(node, "url", endpoint.url, to_url));
  BERTH_CHECK(take(node, "headers", endpoint.headers, to_request_headers));
  BERTH_CHECK(take(node, "timeout", endpoint.timeout, to_duration));
  BERTH_CHECK(take(node, "backoff", endpoint.backoff, to_duration));
  BERTH_CHECK(take(node, "threshold", endpoint.threshold, to_count));
  BERTH_CHECK(take(node, "ignore.actions", endpoint.ignored_actions, to_list));
  BERTH_CHECK(take(node, "ignore.mediatypes", endpoint.ignored_media_types, to_list));
  std::vector<std::string> old_spelling;
  BERTH_CHECK(take(node, "ignoredmediatypes", old_spelling, to_list));
  endpoint.ignored_media_types.insert(endpoint.ignored_media_types.end(), old_spelling.begin(), old_spelling.end());
  if (endpoint.url.empty() && !endpoint.disabled) return allow("a list of maps, each with a url");
  return endpoint;
}

} // namespace

Result<Duration> to_duration(const Node& node) {
  const std::string what = "a time that is not negative, as in 10s, 1h30m or 250ms (a bare number: nanoseconds)";
  if (!node.is_scalar() || node.text.empty()) return allow(what);
  std::int64_t nanoseconds = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, nanoseconds);
  if (error == std::errc() && stop == end)
    return nanoseconds < 0 || Duration(nanoseconds) > max_duration ? Result<Duration>(allow(what))
                                                                   : Duration(nanoseconds);
  double total = 0;
  for (std::string_view rest = node.text; !rest.empty();) {
    const double term = take_term(rest);
    if (term < 0) return allow(what);
    total += term;
  }
  if (total > static_cast<double>(max_duration.count())) return allow(what);
  return Duration(static_cast<std::int64_t>(total));
}

Result<> read_notifications(const Reading& reading) {
  Notifications& notifications = reading.config.notifications;
  BERTH_CHECK(take(reading.node, "events.includereferences", notifications.include_references, to_flag));
  const Node* list = reading.node.find("endpoints");
  if (!list || list->is_null()) return {};
  if (!list->is_list() || list->items.size() > max_list_items) return allow("endpoints: a list of maps");
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    auto endpoint = to_endpoint(list->items[i]);
    if (!endpoint) return allow("endpoints[" + std::to_string(i) + "]: " + endpoint.error().message);
    notifications.endpoints.push_back(*std::move(endpoint));
  }
  return {};
}

Result<> read_redis(const Reading& reading) {
  const Node& node = reading.node;
  Redis& redis = reading.config.redis;
  std::string addr; // of docker/distribution 2
  BERTH_CHECK(take(node, "addr", addr, to_text));
  if (!addr.empty()) redis.addrs = {addr};
  BERTH_CHECK(take(node, "addrs", redis.addrs, to_list));
  BERTH_CHECK(take(node, "clientname", redis.client_name, to_text));
  BERTH_CHECK(take(node, "username", redis.username, to_text));
  BERTH_CHECK(take(node, "password", redis.password, to_text));
  BERTH_CHECK(take(node, "mastername", redis.sentinel_master, to_text));
  BERTH_CHECK(take(node, "db", redis.db, to_count));
  BERTH_CHECK(take(node, "dialtimeout", redis.dial_timeout, to_duration));
  BERTH_CHECK(take(node, "readtimeout", redis.read_timeout, to_duration));
  BERTH_CHECK(take(node, "writetimeout", redis.write_timeout, to_duration));
  for (const char* key : {"pool.maxidle", "maxidleconns"}) BERTH_CHECK(take(node, key, redis.max_idle, to_count));
  for (const char* key : {"pool.maxactive", "poolsize", "maxactiveconns"})
    BERTH_CHECK(take(node, key, redis.max_active, to_count));
  for (const char* key : {"pool.idletimeout", "connmaxidletime"})
    BERTH_CHECK(take(node, key, redis.idle_timeout, to_duration));
  BERTH_CHECK(take(node, "tls.certificate", redis.tls_certificate, to_path));
  BERTH_CHECK(take(node, "tls.key", redis.tls_key, to_path));
  BERTH_CHECK(take(node, "tls.rootcas", redis.tls_root_cas, to_paths));
  if (redis.tls_certificate.empty() != redis.tls_key.empty()) return allow("tls.certificate and tls.key, or neither");
  return {};
}

} // namespace berth::config
