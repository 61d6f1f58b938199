#include "api/debug/metrics.h"

#include <algorithm>
#include <charconv>

namespace berth::api::debug {
namespace {

constexpr std::string_view unrouted = "other";
constexpr std::array<std::string_view, 8> action_names{"GetContent", "PutContent", "Stat",        "List",
                                                       "Move",       "Delete",     "RedirectURL", "Lock"};
constexpr std::array<std::string_view, 3> redis_action_names{"RepoStat", "RepoSetDescriptor", "RepoClear"};

std::string number(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + "\"";
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return result;
}

std::uint64_t length_of(const http::Response& response) {
  if (response.length_of_get) return 0; // HEAD
  if (const auto* file = std::get_if<http::StoreFile>(&response.body)) return file->size;
  return std::get<std::string>(response.body).size();
}

} // namespace

void write_head(std::string& page, std::string_view name, std::string_view type, std::string_view help) {
  page.append("# HELP ").append(name).append(" ").append(help).append("\n");
  page.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void write_value(std::string& page, std::string_view name, const std::string& labels, double value) {
  page.append(name);
  if (!labels.empty()) page.append("{").append(labels).append("}");
  page.append(" ").append(number(value)).append("\n");
}

template <std::size_t Count>
void Histogram<Count>::write(std::string& page, std::string_view name, const std::string& labels) const {
  const std::string prefix = labels.empty() ? "" : labels + ",";
  std::uint64_t total = 0;
  for (const auto& count : counts_) total += count.load(std::memory_order_relaxed);
  if (total == 0) return;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < Count; ++i) {
    below += counts_[i].load(std::memory_order_relaxed);
    write_value(page, std::string(name) + "_bucket", prefix + label("le", number(bounds_[i])),
                static_cast<double>(std::min(below, total)));
  }
  write_value(page, std::string(name) + "_bucket", prefix + label("le", "+Inf"), static_cast<double>(total));
  write_value(page, std::string(name) + "_sum", labels, sum_.load(std::memory_order_relaxed));
  write_value(page, std::string(name) + "_count", labels, static_cast<double>(total));
}

Metrics::Metrics() { endpoints_.emplace_back(unrouted); }

void Metrics::add_endpoints(const Face& face) {
  for (const api::Endpoint& row : face.endpoints)
    if (&counts_of(row.name) == &endpoints_.front() && row.name != unrouted) endpoints_.emplace_back(row.name);
}

Metrics::Counts& Metrics::counts_of(std::string_view name) {
  const auto found = std::ranges::find(endpoints_, name, &Counts::name);
  return found != endpoints_.end() ? *found : endpoints_.front();
}

Metrics::Counted::Counted(Metrics& metrics, const http::Request& request)
    : metrics_(metrics), request_(request), counts_(&metrics.endpoints_.front()), request_bytes_(request.body.size()) {
  counts_->in_flight.fetch_add(1, std::memory_order_relaxed);
}

Metrics::Counted::~Counted() { counts_->in_flight.fetch_sub(1, std::memory_order_relaxed); }

void Metrics::Counted::routed(std::string_view endpoint) {
  counts_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  counts_ = &metrics_.counts_of(endpoint);
  counts_->in_flight.fetch_add(1, std::memory_order_relaxed);
}

void Metrics::Counted::end(const http::Response& response) {
  if (std::holds_alternative<http::TakesBody>(response.body)) return; // the request itself comes later
  counts_->answers.add({request_.method, response.status, request_bytes_, length_of(response),
                        std::chrono::steady_clock::now() - begun_});
  if (counts_->name.starts_with("blob_upload"))
    metrics_.count_upload(counts_->name, request_, request_bytes_, response.status);
}

// Counts how an upload went on, by the reply to one of its requests.
void Metrics::count_upload(std::string_view endpoint, const http::Request& request, std::uint64_t bytes, int status) {
  const auto add = [](std::atomic<std::uint64_t>& counter, std::uint64_t more = 1) {
    counter.fetch_add(more, std::memory_order_relaxed);
  };
  const bool begins = endpoint == "blob_upload";
  if (request.method == "GET" || request.method == "HEAD") return;
  if (status >= 400) return add(uploads_.failed);
  if (bytes > 0) add(uploads_.bytes, bytes);
  if (begins && status == 202) return add(uploads_.started);
  if (begins && status == 201 && request.target.contains("mount=")) return add(uploads_.mounted);
  if (begins && status == 201) add(uploads_.started); // all of it in one request
  if (status == 201) add(uploads_.completed);
  if (request.method == "DELETE") add(uploads_.cancelled);
}

void Metrics::storage_action(std::string_view action, Seconds time) {
  actions_[index_of(action_names, action)].observe(time.count());
}

void Metrics::redis_action(std::string_view action, Seconds time) {
  redis_[index_of(redis_action_names, action)].observe(time.count());
}

void Metrics::write_requests(std::string& page) const {
  // One metric after the other, as the form demands: each with all its labels.
  const auto each = [&](std::string_view metric, std::string_view type, std::string_view help, const auto& write) {
    write_head(page, metric, type, help);
    for (const Counts& endpoint : endpoints_) write(metric, endpoint, label("handler", endpoint.name));
  };
  each("registry_http_requests_total", "counter", "Requests answered, by the pool or in its place.",
       [&](auto metric, const Counts& endpoint, const std::string& handler) {
         for (std::size_t m = 0; m < Answers::methods; ++m)
           for (std::size_t s = 0; s < Answers::statuses; ++s)
             if (const auto count = endpoint.answers.by_status[m][s].load(std::memory_order_relaxed))
               write_value(page, metric,
                           label("code", std::to_string(status_codes[s])) + "," + handler + "," +
                               label("method", lower(method_names[m])),
                           static_cast<double>(count));
       });
  each("registry_http_request_duration_seconds", "histogram",
       "Time that the pool took; of a pull that nginx makes alone, with sending.",
       [&](auto metric, const Counts& endpoint, const std::string& handler) {
         for (std::size_t m = 0; m < Answers::methods; ++m)
           endpoint.answers.seconds[m].write(page, metric, handler + "," + label("method", lower(method_names[m])));
       });
  each("registry_http_request_size_bytes", "histogram", "Bytes of request bodies.",
       [&](auto metric, const Counts& endpoint, const std::string& handler) {
         endpoint.answers.request_bytes.write(page, metric, handler);
       });
  each("registry_http_response_size_bytes", "histogram", "Bytes of replies; of a blob, its size.",
       [&](auto metric, const Counts& endpoint, const std::string& handler) {
         endpoint.answers.response_bytes.write(page, metric, handler);
       });
  each("registry_http_in_flight_requests", "gauge", "Requests that the pool works on.",
       [&](auto metric, const Counts& endpoint, const std::string& handler) {
         write_value(page, metric, handler, static_cast<double>(endpoint.in_flight.load(std::memory_order_relaxed)));
       });
}

void Metrics::write_uploads(std::string& page) const {
  constexpr std::string_view outcomes = "berth_uploads_total", bytes = "berth_upload_bytes_total";
  const auto value = [&](std::string_view metric, const std::string& labels, const std::atomic<std::uint64_t>& count) {
    write_value(page, metric, labels, static_cast<double>(count.load(std::memory_order_relaxed)));
  };
  write_head(page, outcomes, "counter", "Blob uploads by what became of them; failed counts requests.");
  value(outcomes, label("outcome", "started"), uploads_.started);
  value(outcomes, label("outcome", "completed"), uploads_.completed);
  value(outcomes, label("outcome", "mounted"), uploads_.mounted);
  value(outcomes, label("outcome", "cancelled"), uploads_.cancelled);
  value(outcomes, label("outcome", "failed"), uploads_.failed);
  write_head(page, bytes, "counter", "Bytes that uploads brought.");
  value(bytes, "", uploads_.bytes);
}

std::string Metrics::page() {
  for (const auto& [counts, others] : others_) counts->answers.take(*others);
  std::string page;
  write_requests(page);
  write_uploads(page);
  write_head(page, "registry_storage_action_seconds", "histogram", "Time that an action of the store took.");
  for (std::size_t a = 0; a < actions; ++a)
    actions_[a].write(page, "registry_storage_action_seconds",
                      label("action", action_names[a]) + "," + label("driver", "filesystem"));
  write_head(page, "registry_storage_cache_redis_seconds", "histogram", "Time that an action of redis took.");
  for (std::size_t a = 0; a < redis_actions; ++a)
    redis_[a].write(page, "registry_storage_cache_redis_seconds", label("operation", redis_action_names[a]));
  for (const Source& source : sources_) source(page);
  return page;
}

} // namespace berth::api::debug
