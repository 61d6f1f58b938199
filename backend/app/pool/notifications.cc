#include "app/pool/notifications.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/url_secrets.h"

namespace berth::app {
namespace {

std::string host_name() {
  std::array<char, 256> buffer{};
  return ::gethostname(buffer.data(), buffer.size() - 1) == 0 ? buffer.data() : "";
}

} // namespace

notify::NotifierOptions notifier_options_of(const config::Config& config) {
  using std::chrono::milliseconds;
  const auto in_milliseconds = [](config::Duration time, milliseconds otherwise) {
    return time.count() <= 0 ? otherwise : std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(time));
  };
  notify::NotifierOptions options;
  options.directory = config.berth.state_directory + "/notifications";
  options.max_queue_bytes = config.berth.notification_queue_bytes;
  for (const config::NotificationEndpoint& from : config.notifications.endpoints) {
    if (from.disabled) continue;
    notify::NotifierOptions::One one;
    one.endpoint.name = from.name;
    one.endpoint.url = without_secrets(from.url);
    one.endpoint.threshold = from.threshold <= 0 ? 10 : from.threshold;
    one.endpoint.backoff = in_milliseconds(from.backoff, milliseconds(1000));
    one.endpoint.ignored_media_types = from.ignored_media_types;
    one.endpoint.ignored_actions = from.ignored_actions;
    one.http.url = from.url;
    one.http.headers = from.headers;
    one.http.media_type =
        "application/vnd.docker.distribution.events.v" + std::to_string(config.berth.events_version) + "+json";
    one.http.timeout = in_milliseconds(from.timeout, milliseconds(1000));
    options.endpoints.push_back(std::move(one));
  }
  return options;
}

notify::Source source_of(const config::Config& config, const std::string& instance) {
  const std::string host = host_name();
  const std::string& addr = config.http.addr;
  return {host.empty() ? addr : host + addr.substr(addr.rfind(':')), instance};
}

} // namespace berth::app
