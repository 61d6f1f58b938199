#include "notify/endpoint.h"

#include <algorithm>
#include <utility>

#include "base/signals_blocked.h"

namespace berth::notify {
namespace {

using namespace std::chrono_literals;

constexpr auto poll_time = 250ms;      // how soon what another pool appended is seen
constexpr auto take_over_time = 500ms; // how soon a pool takes the place of one that died
constexpr auto disk_retry_time = 1s;
constexpr auto drop_log_interval = 60s;

bool is_success(int status) { return status >= 200 && status < 400; }

} // namespace

Endpoint::Endpoint(EndpointOptions options, std::unique_ptr<Queue> queue, std::unique_ptr<Sender> sender,
                   Logger& logger)
    : options_(std::move(options)), queue_(std::move(queue)), sender_(std::move(sender)), logger_(logger) {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

Endpoint::~Endpoint() { stop(0ms); }

bool Endpoint::wants(const Event& event) const {
  const auto has = [](const std::vector<std::string>& list, std::string_view text) {
    return std::ranges::find(list, text) != list.end();
  };
  return !has(options_.ignored_media_types, event.target.media_type) &&
         !has(options_.ignored_actions, name_of(event.action));
}

void Endpoint::record(const Event& event, const std::string& json) {
  const Weight weight = event.action == Action::pull ? Weight::pull : Weight::change;
  const auto appended = queue_->append(json, weight);
  const bool log = counts_.with([&](Counts& counts) {
    const auto now = Clock::now();
    if (appended) {
      ++counts.status.events;
      return false;
    }
    ++counts.status.dropped;
    if (counts.dropping && now - counts.dropping_since < drop_log_interval) return false;
    counts.dropping = true;
    counts.dropping_since = now;
    return true;
  });
  if (log || (!appended && weight == Weight::change))
    logger_.error("notifications: an event is lost", {{"endpoint", options_.name},
                                                      {"action", std::string(name_of(event.action))},
                                                      {"repository", event.target.repository},
                                                      {"digest", event.target.digest},
                                                      {"tag", event.target.tag},
                                                      {"error", appended.error().message}});
  if (!appended) return;
  bool idle = false;
  {
    const std::lock_guard lock(mutex_);
    fresh_ = true;
    idle = std::exchange(idle_, false);
  }
  if (idle) woken_.notify_all(); // not one that is busy, or pauses: waking it costs more than all the rest
}

EndpointStatus Endpoint::status() {
  EndpointStatus status = counts_.with([](const Counts& counts) { return counts.status; });
  status.name = options_.name;
  status.url = options_.url;
  if (status.delivers) status.pending = queue_->count().value_or(0);
  return status;
}

void Endpoint::stop(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    if (!stop_at_) stop_at_ = Clock::now() + grace;
  }
  woken_.notify_all();
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    woken_.wait_until(lock, *stop_at_, [&] { return ended_; });
  }
  sender_->stop();
  thread_.join();
}

bool Endpoint::stopping() {
  const std::lock_guard lock(mutex_);
  return stop_at_.has_value();
}

bool Endpoint::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, time, [&] { return stop_at_.has_value(); });
  return !stop_at_;
}

void Endpoint::run() {
  do {
    auto delivery = queue_->deliver();
    if (!delivery) {
      if (!is(delivery.error(), Code::busy))
        logger_.error("notifications: cannot read the queue",
                      {{"endpoint", options_.name}, {"error", delivery.error().message}});
      continue;
    }
    counts_.with([](Counts& counts) { counts.status.delivers = true; });
    deliver_from(**delivery);
    counts_.with([](Counts& counts) { counts.status.delivers = false; });
  } while (wait(take_over_time));
  const std::lock_guard lock(mutex_);
  ended_ = true;
  woken_.notify_all();
}

// Until stop, or until the queue cannot be read.
void Endpoint::deliver_from(Queue::Delivery& delivery) {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      fresh_ = false;
      if (stop_at_ && Clock::now() >= *stop_at_) return;
    }
    const auto event = delivery.front();
    if (!event) {
      logger_.error("notifications: cannot read the queue",
                    {{"endpoint", options_.name}, {"error", event.error().message}});
      return;
    }
    if (*event) {
      if (send(**event)) {
        if (const auto popped = delivery.pop(); !popped)
          logger_.error("notifications: an event may be delivered again",
                        {{"endpoint", options_.name}, {"error", popped.error().message}});
        continue;
      }
      if (stopping()) return; // the endpoint has had its chance
      if (failures_in_row_ >= options_.threshold && !wait(options_.backoff)) return;
      continue;
    }
    if (stopping()) return;
    std::unique_lock lock(mutex_);
    idle_ = true;
    woken_.wait_for(lock, poll_time, [&] { return fresh_ || stop_at_; });
    idle_ = false;
  }
}

// One attempt.
bool Endpoint::send(const std::string& event) {
  const auto body = envelope_of(event);
  if (!body) { // never, unless the file was edited by hand: then no endpoint could take it
    logger_.error("notifications: an event cannot be read", {{"endpoint", options_.name}});
    return true;
  }
  const auto status = sender_->post(*body);
  if (!status && is(status.error(), Code::unavailable)) return false;
  const bool taken = status && is_success(*status);
  counts_.with([&](Counts& counts) {
    if (status) ++counts.status.statuses[*status];
    if (!status)
      ++counts.status.errors;
    else
      ++(taken ? counts.status.successes : counts.status.failures);
  });
  if (taken)
    note_success();
  else
    note_failure(status ? Error{Code::io, "it answered " + std::to_string(*status), {}} : status.error());
  return taken;
}

// One line an outage.
void Endpoint::note_failure(const Error& why) {
  if (++failures_in_row_ == options_.threshold)
    logger_.warn("notifications: the endpoint takes no events; they are kept, and tried again",
                 {{"endpoint", options_.name}, {"url", options_.url}, {"error", why.message}});
}

void Endpoint::note_success() {
  if (failures_in_row_ >= options_.threshold)
    logger_.info("notifications: the endpoint takes events again", {{"endpoint", options_.name}});
  failures_in_row_ = 0;
}

} // namespace berth::notify
