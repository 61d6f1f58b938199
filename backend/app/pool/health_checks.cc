#include "app/pool/health_checks.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/url_secrets.h"
#include "client/http_client.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;

constexpr config::Duration default_timeout = 5s; // where none is given: a check must end
constexpr config::Duration shortest_interval = 100ms;

std::chrono::milliseconds milliseconds(config::Duration time) {
  if (time.count() <= 0) time = default_timeout;
  return std::max(1ms, std::chrono::duration_cast<std::chrono::milliseconds>(time));
}

// A check fails with the short text of a failure: it is shown again and again.
std::unexpected<Error> failed(const Error& error) {
  return fail(Code::unavailable, error.detail.empty() ? error.message : error.detail);
}

// Pushes need both, and whoever looks at the store would not miss them.
Result<> check_places(const config::Config::Berth& berth) {
  struct stat status{};
  for (const std::string& path : {berth.spool, berth.socket})
    if (::stat(path.c_str(), &status) != 0) return fail(Code::unavailable, path + ": " + std::strerror(errno));
  return {};
}

Result<> check_storage(driver::StorageDriver& driver, const config::Config::Berth& berth) {
  BERTH_CHECK(check_places(berth));
  const auto found = driver.list("/docker", {}, 1);
  if (found || is(found.error(), Code::not_found)) return {}; // an empty store is well
  return std::unexpected(found.error());
}

} // namespace

Result<> check_file(const config::Health::File& check) {
  struct stat status{};
  if (::stat(check.file.c_str(), &status) == 0) return fail(Code::unavailable, "file exists");
  if (errno == ENOENT || errno == ENOTDIR) return {};
  return fail(Code::unavailable, std::strerror(errno));
}

Result<> check_http(const config::Health::Http& check) {
  client::HttpRequest request{.method = "HEAD", .url = check.uri};
  for (const auto& [name, values] : check.headers)
    for (const std::string& value : values) request.headers.emplace_back(name, value);
  request.user_agent.clear();
  request.timeout = milliseconds(check.timeout);
  request.through_proxy = false; // what is checked is the server, not the way to it
  const auto reply = client::perform(request);
  if (!reply) return failed(reply.error());
  if (reply->status == check.status) return {};
  return fail(Code::unavailable,
              "answered " + std::to_string(reply->status) + " instead of " + std::to_string(check.status));
}

Result<> check_tcp(const config::Health::Tcp& check) {
  if (const auto made = client::connect(check.addr, milliseconds(check.timeout)); !made) return failed(made.error());
  return {};
}

HealthChecks::HealthChecks(const config::Config& all, api::debug::Health& health, driver::StorageDriver& driver)
    : health_(health) {
  const config::Health& config = all.health;
  if (config.storage.enabled)
    checks_.push_back({all.storage.is_in_bucket() ? "storagedriver_s3aws" : "storagedriver_filesystem", config.storage,
                       [&driver, berth = all.berth] { return check_storage(driver, berth); }});
  for (const auto& file : config.files) checks_.push_back({file.file, file, [file] { return check_file(file); }});
  for (const auto& http : config.https)
    checks_.push_back({without_secrets(http.uri), http, [http] { return check_http(http); }});
  for (const auto& tcp : config.tcps) checks_.push_back({tcp.addr, tcp, [tcp] { return check_tcp(tcp); }});
  if (checks_.empty()) return;
  periodic_.emplace(Periodic::Pause::zero(), [this](const std::stop_token&) { return make_those_due(); });
}

// Returns how long it is until the next is due.
Periodic::Pause HealthChecks::make_those_due() {
  for (Check& check : checks_)
    if (check.due <= std::chrono::steady_clock::now()) make(check);
  return std::ranges::min_element(checks_, {}, &Check::due)->due - std::chrono::steady_clock::now();
}

void HealthChecks::make(Check& check) {
  const Result<> result = check.run();
  check.failures = result ? 0 : check.failures + 1;
  if (result)
    health_.set_well(check.name);
  else if (check.failures >= check.pace.threshold)
    health_.set_failing(check.name, result.error().message);
  check.due = std::chrono::steady_clock::now() + std::max(check.pace.interval, shortest_interval);
}

} // namespace berth::app
