#include "app/health_checks.h"

#include <curl/curl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/url_secrets.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;

constexpr config::Duration default_timeout = 5s; // where none is given: a check must end
constexpr config::Duration shortest_interval = 100ms;

using Curl = std::unique_ptr<CURL, void (*)(CURL*)>;

long milliseconds(config::Duration time) {
  if (time.count() <= 0) time = default_timeout;
  return std::max<long>(1, std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

std::size_t drop(const char*, std::size_t size, std::size_t count, void*) { return size * count; }

Curl make_curl(const std::string& url, config::Duration timeout) {
  Curl curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) return curl;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, milliseconds(timeout));
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, drop);
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, ""); // what is checked is the server, not the way to it
  return curl;
}

Result<> perform(const Curl& curl) {
  const CURLcode code = curl ? curl_easy_perform(curl.get()) : CURLE_OUT_OF_MEMORY;
  if (code != CURLE_OK) return fail(Code::unavailable, curl_easy_strerror(code));
  return {};
}

Result<> check_storage(driver::StorageDriver& driver) {
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
  const Curl curl = make_curl(check.uri, check.timeout);
  if (!curl) return fail(Code::unavailable, "no memory");
  curl_slist* lines = nullptr;
  for (const auto& [name, values] : check.headers)
    for (const std::string& value : values) lines = curl_slist_append(lines, (name + ": " + value).c_str());
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(lines, curl_slist_free_all);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_NOBODY, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  BERTH_CHECK(perform(curl));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == check.status) return {};
  return fail(Code::unavailable, "answered " + std::to_string(status) + " instead of " + std::to_string(check.status));
}

Result<> check_tcp(const config::Health::Tcp& check) {
  const Curl curl = make_curl("telnet://" + check.addr, check.timeout);
  if (curl) curl_easy_setopt(curl.get(), CURLOPT_CONNECT_ONLY, 1L);
  return perform(curl);
}

HealthChecks::HealthChecks(const config::Health& config, api::debug::Health& health, driver::StorageDriver& driver)
    : health_(health) {
  if (config.storage.enabled)
    checks_.push_back({"storagedriver_filesystem", config.storage, [&driver] { return check_storage(driver); }});
  for (const auto& file : config.files) checks_.push_back({file.file, file, [file] { return check_file(file); }});
  for (const auto& http : config.https)
    checks_.push_back({without_secrets(http.uri), http, [http] { return check_http(http); }});
  for (const auto& tcp : config.tcps) checks_.push_back({tcp.addr, tcp, [tcp] { return check_tcp(tcp); }});
  if (checks_.empty()) return;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  thread_ = std::thread([this] { run(); });
}

HealthChecks::~HealthChecks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void HealthChecks::run() {
  for (;;) {
    for (Check& check : checks_)
      if (check.due <= std::chrono::steady_clock::now()) make(check);
    const auto next = std::ranges::min_element(checks_, {}, &Check::due)->due;
    std::unique_lock lock(mutex_);
    if (changed_.wait_until(lock, next, [this] { return stopping_; })) return;
  }
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
