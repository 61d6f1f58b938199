#include "app/debug_pages.h"

#include <nlohmann/json.hpp>

#include "api/debug/metrics.h"
#include "http/status.h"

namespace berth::app {
namespace {

using api::debug::write_type;
using api::debug::write_value;
using Json = nlohmann::ordered_json;

// A label in Prometheus' text form.
std::string label(std::string_view name, std::string_view value) {
  std::string text(name);
  text += "=\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    c == '\n' ? text += "\\n" : text += c;
  }
  return text + '"';
}

std::string status_line(int status) { return std::to_string(status) + ' ' + std::string(http::reason_of(status)); }

void write_count(std::string& page, std::string_view metric, const std::string& labels, std::uint64_t count) {
  write_value(page, metric, labels, static_cast<double>(count));
}

// Without who may ask and what: https://user:password@host/path?token is https://host/path.
std::string without_secrets(const std::string& url) {
  std::string shown = url.substr(0, url.find('?'));
  const std::size_t host = shown.find("://");
  if (host == std::string::npos) return shown;
  const std::size_t at = shown.substr(0, shown.find('/', host + 3)).rfind('@');
  if (at != std::string::npos) shown.erase(host + 3, at - host - 2);
  return shown;
}

} // namespace

void write_cache_metrics(std::string& page, const cache::Counts& counts) {
  constexpr std::string_view of_2 = "registry_storage_cache_total";
  write_type(page, of_2, "counter");
  write_count(page, of_2, label("type", "Request"), counts.requests);
  write_count(page, of_2, label("type", "Hit"), counts.hits);
  write_count(page, of_2, label("type", "Miss"), counts.misses);
  write_count(page, of_2, label("type", "Error"), counts.errors);
  const auto of_3 = [&](std::string_view metric, std::uint64_t count) {
    write_type(page, metric, "counter");
    write_count(page, metric, "", count);
  };
  of_3("registry_storage_cache_requests_total", counts.requests);
  of_3("registry_storage_cache_hits_total", counts.hits);
  of_3("registry_storage_cache_errors_total", counts.errors);
}

void write_notification_metrics(std::string& page, const std::vector<notify::EndpointStatus>& endpoints) {
  constexpr std::string_view events = "registry_notifications_events_total",
                             pending = "registry_notifications_pending_total",
                             statuses = "registry_notifications_status_total",
                             dropped = "berth_notifications_dropped_total";
  const auto of_each = [&](std::string_view metric, std::string_view type, const auto& write) {
    write_type(page, metric, type);
    for (const notify::EndpointStatus& endpoint : endpoints) write(endpoint, label("endpoint", endpoint.name));
  };
  of_each(events, "counter", [&](const notify::EndpointStatus& endpoint, const std::string& name) {
    write_count(page, events, name + "," + label("type", "Events"), endpoint.events);
    write_count(page, events, name + "," + label("type", "Successes"), endpoint.successes);
    write_count(page, events, name + "," + label("type", "Failures"), endpoint.failures);
    write_count(page, events, name + "," + label("type", "Errors"), endpoint.errors);
  });
  of_each(pending, "gauge", [&](const notify::EndpointStatus& endpoint, const std::string& name) {
    if (endpoint.delivers) write_count(page, pending, name, endpoint.pending); // the others do not know
  });
  of_each(statuses, "counter", [&](const notify::EndpointStatus& endpoint, const std::string& name) {
    for (const auto& [status, count] : endpoint.statuses)
      write_count(page, statuses, label("code", status_line(status)) + "," + name, count);
  });
  of_each(dropped, "counter", [&](const notify::EndpointStatus& endpoint, const std::string& name) {
    write_count(page, dropped, name, endpoint.dropped);
  });
}

std::string cache_vars(const cache::Counts& counts) {
  return Json{{"Stat", {{"Requests", counts.requests}, {"Hits", counts.hits}, {"Misses", counts.misses}}}}.dump();
}

std::string notification_vars(const std::vector<notify::EndpointStatus>& endpoints) {
  Json all = Json::array();
  for (const notify::EndpointStatus& endpoint : endpoints) {
    Json statuses = Json::object();
    for (const auto& [status, count] : endpoint.statuses) statuses[status_line(status)] = count;
    all.push_back({{"name", endpoint.name},
                   {"url", without_secrets(endpoint.url)},
                   {"Metrics",
                    {{"Pending", endpoint.pending},
                     {"Events", endpoint.events},
                     {"Successes", endpoint.successes},
                     {"Failures", endpoint.failures},
                     {"Errors", endpoint.errors},
                     {"Statuses", statuses}}}});
  }
  return all.dump();
}

} // namespace berth::app
