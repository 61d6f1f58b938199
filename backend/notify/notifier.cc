#include "notify/notifier.h"

#include <algorithm>

#include "model/digest.h"

namespace berth::notify {
namespace {

using namespace std::chrono_literals;

// In which a stop delivers what it can, for all endpoints at once. A stop must not take much longer than without.
constexpr auto grace = 1500ms;
constexpr std::size_t max_event_bytes = 1024 * 1024; // references go where they make it longer
constexpr std::size_t shown_name_bytes = 40;
constexpr std::size_t hash_digits = 12;

} // namespace

std::string queue_name(const std::string& endpoint) {
  std::string name = endpoint.substr(0, shown_name_bytes);
  for (char& c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!plain) c = '_';
  }
  return name + "-" + std::string(model::CanonicalDigest::of_bytes(endpoint).hex().substr(0, hash_digits));
}

Result<std::unique_ptr<Notifier>> Notifier::start(const NotifierOptions& options, Logger& logger) {
  std::unique_ptr<Notifier> notifier(new Notifier());
  for (const NotifierOptions::One& one : options.endpoints) {
    if (std::ranges::count(options.endpoints, one.endpoint.name,
                           [](const NotifierOptions::One& other) { return other.endpoint.name; }) > 1)
      return fail(Code::invalid, "notifications.endpoints: two are called \"" + one.endpoint.name +
                                     "\"; each has a queue under its name");
    QueueOptions queue_options;
    queue_options.directory = options.directory + "/" + queue_name(one.endpoint.name);
    queue_options.max_bytes = options.max_queue_bytes;
    BERTH_TRY(auto queue, Queue::open(std::move(queue_options), logger));
    BERTH_TRY(auto sender, http_sender(one.http));
    notifier->endpoints_.push_back(
        std::make_unique<Endpoint>(one.endpoint, std::move(queue), std::move(sender), logger));
  }
  return notifier;
}

Notifier::~Notifier() {
  const auto until = std::chrono::steady_clock::now() + grace;
  for (const auto& endpoint : endpoints_)
    endpoint->stop(std::chrono::duration_cast<std::chrono::milliseconds>(
        std::max(until - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration(0))));
}

void Notifier::record(const Event& event) {
  std::string json; // written once, and only if an endpoint wants it
  for (const auto& endpoint : endpoints_) {
    if (!endpoint->wants(event)) continue;
    if (json.empty()) json = to_json(event);
    if (json.size() > max_event_bytes && !event.target.references.empty()) {
      Event shorter = event;
      shorter.target.references.clear();
      json = to_json(shorter);
    }
    endpoint->record(event, json);
  }
}

std::vector<EndpointStatus> Notifier::status() {
  std::vector<EndpointStatus> all;
  all.reserve(endpoints_.size());
  for (const auto& endpoint : endpoints_) all.push_back(endpoint->status());
  return all;
}

} // namespace berth::notify
