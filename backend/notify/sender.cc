#include "notify/sender.h"

#include "base/url_secrets.h"
#include "client/libcurl.h"

namespace berth::notify {
namespace {

constexpr long max_redirects = 10;
constexpr std::size_t max_reply_bytes =
    1024 * 1024; // of a body that nobody reads; what is longer breaks the connection

class HttpSender final : public Sender {
public:
  HttpSender(const client::Libcurl& libcurl, HttpOptions options)
      : libcurl_(libcurl), options_(std::move(options)), curl_(libcurl.easy_init()) {}
  ~HttpSender() override {
    libcurl_.slist_free_all(headers_);
    libcurl_.easy_cleanup(curl_);
  }

  Result<> prepare() {
    if (curl_ == nullptr) return fail(Code::io, "curl_easy_init failed");
    bool ok = add_header("Content-Type: " + options_.media_type);
    ok = ok && add_header("Expect:"); // no waiting for 100 Continue
    for (const auto& [name, values] : options_.headers)
      for (const std::string& value : values) ok = ok && add_header(value.empty() ? name + ";" : name + ": " + value);
    const auto set = [&](CURLoption option, auto value) {
      ok = ok && libcurl_.easy_setopt(curl_, option, value) == CURLE_OK;
    };
    set(CURLOPT_URL, options_.url.c_str());
    set(CURLOPT_POST, 1L);
    set(CURLOPT_HTTPHEADER, headers_);
    set(CURLOPT_USERAGENT, "berth");
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, max_redirects);
    set(CURLOPT_POSTREDIR, CURL_REDIR_POST_301 | CURL_REDIR_POST_302); // a GET would be taken, and the event lost
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
    set(CURLOPT_NOSIGNAL, 1L); // there are other threads
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(error_));
    set(CURLOPT_WRITEFUNCTION, &HttpSender::discard);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &HttpSender::progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
    if (!ok) return fail(Code::io, "libcurl takes no such endpoint: " + without_secrets(options_.url));
    return {};
  }

  Result<int> post(const std::string& body) override {
    if (stopped_) return fail(Code::unavailable, "stopped");
    libcurl_.easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    libcurl_.easy_setopt(curl_, CURLOPT_POSTFIELDS, body.c_str());
    error_[0] = '\0';
    received_ = 0;
    const CURLcode code = libcurl_.easy_perform(curl_);
    libcurl_.easy_setopt(curl_, CURLOPT_POSTFIELDS, nullptr);
    if (stopped_ && code != CURLE_OK) return fail(Code::unavailable, "stopped");
    long status = 0;
    libcurl_.easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    // A reply that was cut for its length has been read as far as it matters.
    if (code == CURLE_WRITE_ERROR && status != 0) return static_cast<int>(status);
    if (code != CURLE_OK) return fail(Code::io, error_[0] != '\0' ? error_ : libcurl_.easy_strerror(code));
    return static_cast<int>(status);
  }

  void stop() override { stopped_ = true; }

private:
  bool add_header(const std::string& line) {
    curl_slist* longer = libcurl_.slist_append(headers_, line.c_str());
    if (longer != nullptr) headers_ = longer;
    return longer != nullptr;
  }

  static std::size_t discard(char*, std::size_t size, std::size_t count, void* self) {
    auto& sender = *static_cast<HttpSender*>(self);
    sender.received_ += size * count;
    return sender.received_ > max_reply_bytes ? 0 : size * count;
  }

  static int progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<HttpSender*>(self)->stopped_ ? 1 : 0;
  }

  const client::Libcurl& libcurl_;
  const HttpOptions options_;
  CURL* curl_;
  curl_slist* headers_ = nullptr;
  char error_[CURL_ERROR_SIZE] = {};
  std::size_t received_ = 0;
  std::atomic<bool> stopped_ = false;
};

} // namespace

Result<std::unique_ptr<Sender>> http_sender(HttpOptions options) {
  BERTH_TRY(const client::Libcurl* curl, client::libcurl());
  auto sender = std::make_unique<HttpSender>(*curl, std::move(options));
  BERTH_CHECK(sender->prepare());
  return std::unique_ptr<Sender>(std::move(sender));
}

} // namespace berth::notify
