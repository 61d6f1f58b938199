#include "app/pool/debug_pages.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include <algorithm>

#include "api/debug/metrics.h"
#include "app/version.h"
#include "http/status.h"

namespace berth::app {
namespace {

using api::debug::write_head;
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

} // namespace

void write_cache_metrics(std::string& page, const cache::Counts& counts) {
  constexpr std::string_view of_2 = "registry_storage_cache_total";
  write_head(page, of_2, "counter", "Questions to the descriptor cache, as docker/distribution 2 counts them.");
  write_count(page, of_2, label("type", "Request"), counts.requests);
  write_count(page, of_2, label("type", "Hit"), counts.hits);
  write_count(page, of_2, label("type", "Miss"), counts.misses);
  write_count(page, of_2, label("type", "Error"), counts.errors);
  const auto of_3 = [&](std::string_view metric, std::string_view help, std::uint64_t count) {
    write_head(page, metric, "counter", help);
    write_count(page, metric, "", count);
  };
  of_3("registry_storage_cache_requests_total", "Questions to the descriptor cache.", counts.requests);
  of_3("registry_storage_cache_hits_total", "Those that it answered, and rightly.", counts.hits);
  of_3("registry_storage_cache_errors_total", "Those that it failed to answer.", counts.errors);
}

void write_memory_metrics(std::string& page, const Memories& memories) {
  const auto of_each = [&](std::string_view metric, std::string_view type, std::string_view help, const auto& write) {
    write_head(page, metric, type, help);
    for (const auto& [name, facts] : memories) write(metric, label("memory", name), facts);
  };
  of_each("berth_memory_entries", "gauge", "What is remembered.",
          [&](std::string_view metric, const std::string& memory, const CacheFacts& facts) {
            write_count(page, metric, memory, facts.entries);
          });
  of_each("berth_memory_bytes", "gauge", "About what it takes.",
          [&](std::string_view metric, const std::string& memory, const CacheFacts& facts) {
            write_count(page, metric, memory, facts.bytes);
          });
  of_each("berth_memory_requests_total", "counter", "Questions to it; a hit may turn out to be no longer true.",
          [&](std::string_view metric, const std::string& memory, const CacheFacts& facts) {
            write_count(page, metric, memory + "," + label("outcome", "hit"), facts.hits);
            write_count(page, metric, memory + "," + label("outcome", "miss"), facts.misses);
          });
}

void write_access_metrics(std::string& page, const auth::MeasuredAccess& access, const auth::Passwords* passwords) {
  constexpr std::string_view decisions = "berth_access_decisions_total";
  write_head(page, decisions, "counter", "Requests by what they showed and what became of it.");
  for (std::size_t kind = 0; kind < auth::MeasuredAccess::kinds.size(); ++kind)
    for (std::size_t outcome = 0; outcome < auth::MeasuredAccess::outcomes.size(); ++outcome)
      write_count(page, decisions,
                  label("credentials", auth::MeasuredAccess::kinds[kind]) + "," +
                      label("outcome", auth::MeasuredAccess::outcomes[outcome]),
                  access.count(kind, outcome));
  if (passwords == nullptr) return;
  constexpr std::string_view checks = "berth_password_checks_total";
  const auth::Passwords::Counts counts = passwords->counts();
  write_head(page, checks, "counter", "Passwords: remembered, computed or asked for, throttled; wrong ones beside.");
  write_count(page, checks, label("outcome", "remembered"), counts.hits);
  write_count(page, checks, label("outcome", "checked"), counts.bcrypts);
  write_count(page, checks, label("outcome", "throttled"), counts.throttled);
  write_count(page, checks, label("outcome", "wrong"), counts.wrong);
}

void write_notification_metrics(std::string& page, const std::vector<notify::EndpointStatus>& endpoints) {
  constexpr std::string_view events = "registry_notifications_events_total",
                             pending = "registry_notifications_pending_total",
                             statuses = "registry_notifications_status_total",
                             dropped = "berth_notifications_dropped_total";
  const auto of_each = [&](std::string_view metric, std::string_view type, std::string_view help, const auto& write) {
    write_head(page, metric, type, help);
    for (const notify::EndpointStatus& endpoint : endpoints) write(endpoint, label("endpoint", endpoint.name));
  };
  of_each(events, "counter", "Events by what became of them; failures and errors count attempts.",
          [&](const notify::EndpointStatus& endpoint, const std::string& name) {
            write_count(page, events, name + "," + label("type", "Events"), endpoint.events);
            write_count(page, events, name + "," + label("type", "Successes"), endpoint.successes);
            write_count(page, events, name + "," + label("type", "Failures"), endpoint.failures);
            write_count(page, events, name + "," + label("type", "Errors"), endpoint.errors);
          });
  of_each(pending, "gauge", "Events that wait in the queue.",
          [&](const notify::EndpointStatus& endpoint, const std::string& name) {
            if (endpoint.delivers) write_count(page, pending, name, endpoint.pending); // the others do not know
          });
  of_each(statuses, "counter", "Replies of the endpoint, by status.",
          [&](const notify::EndpointStatus& endpoint, const std::string& name) {
            for (const auto& [status, count] : endpoint.statuses)
              write_count(page, statuses, label("code", status_line(status)) + "," + name, count);
          });
  of_each(dropped, "counter", "Events lost to a full queue or disk.",
          [&](const notify::EndpointStatus& endpoint, const std::string& name) {
            write_count(page, dropped, name, endpoint.dropped);
          });
}

std::string berth_vars(const PoolFacts& facts) {
  const auto time_or_null = [](const std::optional<Time>& time) {
    return time ? Json(to_rfc3339(std::chrono::floor<std::chrono::seconds>(*time))) : Json(nullptr);
  };
  Json page{{"version", version()},     {"instance", facts.instance},
            {"pid", ::getpid()},        {"started", time_or_null(facts.started)},
            {"threads", facts.threads}, {"certificateEnds", time_or_null(facts.certificate_ends)},
            {"purges", facts.purges},   {"lastPurge", nullptr}};
  if (const auto& last = facts.last_purge)
    page["lastPurge"] = {{"at", time_or_null(last->at)},
                         {"removed", last->what.uploads},
                         {"busy", last->what.busy},
                         {"failed", last->what.failed}};
  return page.dump();
}

std::string cache_vars(const cache::Counts& counts) {
  return Json{{"Stat", {{"Requests", counts.requests}, {"Hits", counts.hits}, {"Misses", counts.misses}}}}.dump();
}

std::string redis_vars(const config::Redis& redis, std::size_t active) {
  return Json{
      {"Config",
       {{"Addr", redis.addrs.empty() ? "" : redis.addrs.front()},
        {"DB", redis.db},
        {"DialTimeout", redis.dial_timeout.count()},
        {"ReadTimeout", redis.read_timeout.count()},
        {"WriteTimeout", redis.write_timeout.count()},
        {"Pool",
         {{"MaxIdle", redis.max_idle}, {"MaxActive", redis.max_active}, {"IdleTimeout", redis.idle_timeout.count()}}}}},
      {"Active", active}}
      .dump();
}

namespace {

// The names alone: their values may be secrets.
Json header_names(const config::HeaderList& headers) {
  if (headers.empty()) return nullptr;
  Json names = Json::object();
  for (const auto& [name, values] : headers) names[name] = std::vector<std::string>(values.size(), "(hidden)");
  return names;
}

Json list_or_null(const std::vector<std::string>& list) { return list.empty() ? Json(nullptr) : Json(list); }

} // namespace

std::string notification_vars(const std::vector<notify::EndpointStatus>& endpoints,
                              const config::Notifications& config) {
  Json all = Json::array();
  for (const notify::EndpointStatus& endpoint : endpoints) {
    const auto from = std::ranges::find_if(config.endpoints,
                                           [&](const auto& one) { return !one.disabled && one.name == endpoint.name; });
    if (from == config.endpoints.end()) continue;
    Json statuses = Json::object();
    for (const auto& [status, count] : endpoint.statuses) statuses[status_line(status)] = count;
    all.push_back(
        {{"name", endpoint.name},
         {"url", endpoint.url},
         {"Headers", header_names(from->headers)},
         {"Timeout", from->timeout.count()},
         {"Threshold", from->threshold},
         {"Backoff", from->backoff.count()},
         {"IgnoredMediaTypes", list_or_null(from->ignored_media_types)},
         {"Ignore",
          {{"MediaTypes", list_or_null(from->ignored_media_types)}, {"Actions", list_or_null(from->ignored_actions)}}},
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
