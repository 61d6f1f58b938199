#include "app/pool/health_checks.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/url_secrets.h"
#include "client/libcurl.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;

constexpr config::Duration default_timeout = 5s; // where none is given: a check must end
constexpr config::Duration shortest_interval = 100ms;

using Handle = std::unique_ptr<CURL, decltype(client::Libcurl::easy_cleanup)>;

long milliseconds(config::Duration time) {
  if (time.count() <= 0) time = default_timeout;
  return std::max<long>(1, std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

std::size_t drop(const char*, std::size_t size, std::size_t count, void*) { return size * count; }

Result<Handle> make_handle(const client::Libcurl& curl, const std::string& url, config::Duration timeout) {
  Handle handle(curl.easy_init(), curl.easy_cleanup);
  if (!handle) return fail(Code::unavailable, "no memory");
  curl.easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
  curl.easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, milliseconds(timeout));
  curl.easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl.easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, drop);
  curl.easy_setopt(handle.get(), CURLOPT_PROXY, ""); // what is checked is the server, not the way to it
  return handle;
}

Result<> perform(const client::Libcurl& curl, const Handle& handle) {
  const CURLcode code = curl.easy_perform(handle.get());
  if (code != CURLE_OK) return fail(Code::unavailable, curl.easy_strerror(code));
  return {};
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
  const auto found = driver.list("/docker");
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
  BERTH_TRY(const client::Libcurl* curl, client::libcurl());
  BERTH_TRY(const Handle handle, make_handle(*curl, check.uri, check.timeout));
  curl_slist* lines = nullptr;
  for (const auto& [name, values] : check.headers)
    for (const std::string& value : values) lines = curl->slist_append(lines, (name + ": " + value).c_str());
  const std::unique_ptr<curl_slist, decltype(curl->slist_free_all)> headers(lines, curl->slist_free_all);
  curl->easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl->easy_setopt(handle.get(), CURLOPT_NOBODY, 1L);
  curl->easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  BERTH_CHECK(perform(*curl, handle));
  long status = 0;
  curl->easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == check.status) return {};
  return fail(Code::unavailable, "answered " + std::to_string(status) + " instead of " + std::to_string(check.status));
}

Result<> check_tcp(const config::Health::Tcp& check) {
  BERTH_TRY(const client::Libcurl* curl, client::libcurl());
  BERTH_TRY(const Handle handle, make_handle(*curl, "telnet://" + check.addr, check.timeout));
  curl->easy_setopt(handle.get(), CURLOPT_CONNECT_ONLY, 1L);
  return perform(*curl, handle);
}

HealthChecks::HealthChecks(const config::Config& all, api::debug::Health& health, driver::StorageDriver& driver)
    : health_(health) {
  const config::Health& config = all.health;
  if (config.storage.enabled)
    checks_.push_back({"storagedriver_filesystem", config.storage,
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
