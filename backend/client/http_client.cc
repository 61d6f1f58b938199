#include "client/http_client.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>

#include "client/libcurl.h"

namespace berth::client {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

constexpr std::size_t max_unwanted_bytes = 1024 * 1024;
constexpr std::size_t max_header_bytes = 64 * 1024;
constexpr long slowest = 1024; // bytes a second

class Curl final : public HttpClient {
public:
  explicit Curl(const Libcurl& libcurl) : libcurl_(libcurl), handle_(libcurl.easy_init()) {}
  Curl(const Curl&) = delete;
  ~Curl() override {
    libcurl_.slist_free_all(headers_);
    libcurl_.easy_cleanup(handle_);
  }

  Result<HttpReply> perform(const HttpRequest& request) override;
  void stop() override { stopped_ = true; }
  Result<> connect(const std::string& address, std::chrono::milliseconds timeout);

private:
  template <class Value>
  void set(CURLoption option, Value value) {
    settable_ = libcurl_.easy_setopt(handle_, option, value) == CURLE_OK && settable_;
  }
  void begin(std::chrono::milliseconds timeout);
  void set_headers(const HttpRequest& request);
  void set_method(const HttpRequest& request);
  void set_body(const HttpRequest& request);
  void set_limits(const HttpRequest& request);
  void set_redirects(const HttpRequest& request);
  void add_header(const std::string& line);
  Result<HttpReply> send();
  Result<std::optional<std::string>> redirected(const std::string& from, const HttpRequest& request);
  std::optional<std::string> authority_of(const std::string& url) const;
  std::unexpected<Error> failure(CURLcode code) const;

  static std::size_t receive(const char* bytes, std::size_t size, std::size_t count, void* self);
  static std::size_t receive_header(const char* bytes, std::size_t size, std::size_t count, void* self);
  static std::size_t send_more(char* place, std::size_t size, std::size_t count, void* self);
  static int seek(void* self, curl_off_t offset, int origin);
  static int progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Curl*>(self)->stopped_ ? 1 : 0;
  }

  const Libcurl& libcurl_;
  CURL* handle_;
  curl_slist* headers_ = nullptr;
  bool settable_ = true; // libcurl took all options
  char error_[CURL_ERROR_SIZE] = {};
  std::size_t max_bytes_ = 0, received_ = 0; // 0: unwanted
  std::string body_;
  std::size_t header_bytes_ = 0;
  std::vector<std::pair<std::string, std::string>> reply_headers_;
  const HttpRequest* sending_ = nullptr; // during a PUT
  std::uint64_t sent_ = 0;               // of its body
  std::atomic<bool> stopped_ = false;
};

void Curl::begin(std::chrono::milliseconds timeout) {
  libcurl_.easy_reset(handle_); // keeps its connections
  settable_ = true;
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  set(CURLOPT_NOSIGNAL, 1L); // there are other threads
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(error_));
  set(CURLOPT_WRITEFUNCTION, &Curl::receive);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Curl::receive_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Curl::progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
}

void Curl::add_header(const std::string& line) {
  curl_slist* const longer = libcurl_.slist_append(headers_, line.c_str());
  settable_ = settable_ && longer != nullptr;
  if (longer != nullptr) headers_ = longer;
}

void Curl::set_headers(const HttpRequest& request) {
  libcurl_.slist_free_all(headers_);
  headers_ = nullptr;
  if (request.method == "POST" || request.method == "PUT") add_header("Expect:"); // no waiting for 100 Continue
  for (const auto& [name, value] : request.headers) add_header(value.empty() ? name + ";" : name + ": " + value);
  set(CURLOPT_HTTPHEADER, headers_);
  if (!request.user_agent.empty()) set(CURLOPT_USERAGENT, request.user_agent.c_str());
}

void Curl::set_method(const HttpRequest& request) {
  if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  if (request.method == "DELETE") set(CURLOPT_CUSTOMREQUEST, "DELETE");
  if (request.method == "PUT") set_body(request);
  if (request.method != "POST") return;
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
}

void Curl::set_body(const HttpRequest& request) {
  sending_ = &request;
  sent_ = 0;
  set(CURLOPT_UPLOAD, 1L);
  set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.file ? request.file->size : request.body.size()));
  set(CURLOPT_READFUNCTION, &Curl::send_more);
  set(CURLOPT_READDATA, static_cast<void*>(this));
  set(CURLOPT_SEEKFUNCTION, &Curl::seek);
  set(CURLOPT_SEEKDATA, static_cast<void*>(this));
}

std::size_t Curl::send_more(char* place, std::size_t size, std::size_t count, void* self) {
  auto& curl = *static_cast<Curl*>(self);
  const HttpRequest& request = *curl.sending_;
  const std::uint64_t all = request.file ? request.file->size : request.body.size();
  const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(size * count, all - curl.sent_));
  if (more == 0) return 0;
  if (request.file) {
    const auto at = static_cast<off_t>(request.file->offset + curl.sent_);
    const ssize_t got = ::pread(request.file->fd, place, more, at);
    if (got <= 0) return CURL_READFUNC_ABORT; // it is shorter than it was
    curl.sent_ += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }
  std::memcpy(place, request.body.data() + curl.sent_, more);
  curl.sent_ += more;
  return more;
}

// A connection that was kept, and is no more: libcurl sends all of it again on another one.
int Curl::seek(void* self, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Curl*>(self)->sent_ = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

void Curl::set_limits(const HttpRequest& request) {
  if (request.connect_timeout.count() > 0)
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  if (request.stall_timeout.count() > 0) {
    set(CURLOPT_LOW_SPEED_LIMIT, slowest);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_timeout.count()));
  }
  if (request.verifies_tls) return;
  set(CURLOPT_SSL_VERIFYPEER, 0L);
  set(CURLOPT_SSL_VERIFYHOST, 0L);
}

// Those to any host libcurl follows by itself.
void Curl::set_redirects(const HttpRequest& request) {
  const char* const schemes = request.https_only ? "https" : "http,https";
  set(CURLOPT_PROTOCOLS_STR, schemes);
  set(CURLOPT_REDIR_PROTOCOLS_STR, schemes);
  if (request.max_redirects == 0 || !request.to_other_hosts) return;
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, static_cast<long>(request.max_redirects));
  set(CURLOPT_POSTREDIR, CURL_REDIR_POST_301 | CURL_REDIR_POST_302); // a GET would be taken, and what is sent lost
}

std::size_t Curl::receive(const char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& curl = *static_cast<Curl*>(self);
  const std::size_t more = size * count;
  curl.received_ += more;
  if (curl.received_ > (curl.max_bytes_ == 0 ? max_unwanted_bytes : curl.max_bytes_)) return 0;
  if (curl.max_bytes_ != 0) curl.body_.append(bytes, more);
  return more;
}

std::size_t Curl::receive_header(const char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& curl = *static_cast<Curl*>(self);
  const std::string_view line(bytes, size * count);
  if (line.starts_with("HTTP/")) { // another reply begins
    curl.reply_headers_.clear();
    curl.header_bytes_ = 0;
  }
  curl.header_bytes_ += line.size();
  if (curl.header_bytes_ > max_header_bytes) return 0;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::size_t begin = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
  const std::size_t end = line.find_last_not_of(" \t\r\n") + 1;
  curl.reply_headers_.emplace_back(std::move(name), line.substr(begin, end > begin ? end - begin : 0));
  return line.size();
}

std::unexpected<Error> Curl::failure(CURLcode code) const {
  if (stopped_) return fail(Code::unavailable, "stopped");
  const char* const kind = libcurl_.easy_strerror(code);
  return fail(Code::io, error_[0] != '\0' ? static_cast<const char*>(error_) : kind, kind);
}

Result<HttpReply> Curl::send() {
  error_[0] = '\0';
  received_ = 0;
  body_.clear();
  reply_headers_.clear();
  const CURLcode code = libcurl_.easy_perform(handle_);
  long status = 0;
  libcurl_.easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  // A reply that nobody wants and that was cut for its length has been read as far as it matters.
  const bool was_cut = code == CURLE_WRITE_ERROR && status != 0 && header_bytes_ <= max_header_bytes && !stopped_;
  if (was_cut && max_bytes_ != 0) return fail(Code::size_invalid, "a reply that is too long");
  if (code != CURLE_OK && !was_cut) return failure(code);
  return HttpReply{static_cast<int>(status), std::move(body_), std::move(reply_headers_)};
}

// Host and port as libcurl would connect to them; nothing for what is no URL.
std::optional<std::string> Curl::authority_of(const std::string& url) const {
  const std::unique_ptr<CURLU, decltype(libcurl_.url_cleanup)> parsed(libcurl_.url(), libcurl_.url_cleanup);
  if (!parsed || libcurl_.url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return std::nullopt;
  std::string authority;
  for (const CURLUPart part : {CURLUPART_HOST, CURLUPART_PORT}) {
    char* text = nullptr;
    if (libcurl_.url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return std::nullopt;
    for (const char* at = text; *at != '\0'; ++at)
      authority += *at >= 'A' && *at <= 'Z' ? static_cast<char>(*at - 'A' + 'a') : *at;
    authority += ':';
    libcurl_.free(text);
  }
  return authority;
}

// Where the reply leads that was just received; nothing: it is the one to be returned.
Result<std::optional<std::string>> Curl::redirected(const std::string& from, const HttpRequest& request) {
  const char* target = nullptr;
  if (request.max_redirects == 0 || request.to_other_hosts ||
      libcurl_.easy_getinfo(handle_, CURLINFO_REDIRECT_URL, &target) != CURLE_OK || target == nullptr)
    return std::nullopt;
  const auto there = authority_of(target);
  if (!there || there != authority_of(from)) return fail(Code::io, "a redirect to another host");
  return std::string(target);
}

Result<HttpReply> Curl::perform(const HttpRequest& request) {
  if (handle_ == nullptr) return fail(Code::io, "curl_easy_init failed");
  if (stopped_) return fail(Code::unavailable, "stopped");
  const Deadline deadline =
      request.timeout.count() == 0 ? Deadline::max() : std::chrono::steady_clock::now() + request.timeout;
  begin(request.timeout);
  set_headers(request);
  set_method(request);
  set_redirects(request);
  if (!request.through_proxy) set(CURLOPT_PROXY, "");
  set_limits(request);
  max_bytes_ = request.max_reply_bytes;
  std::string url = request.url;
  for (unsigned redirects = 0;; ++redirects) {
    set(CURLOPT_URL, url.c_str());
    if (!settable_) return fail(Code::io, "libcurl takes no such request");
    auto reply = send();
    if (!reply || reply->status < 300 || reply->status > 399) return reply;
    BERTH_TRY(auto next, redirected(url, request));
    if (!next) return reply;
    if (redirects == request.max_redirects) return fail(Code::io, "too many redirects");
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(Code::io, libcurl_.easy_strerror(CURLE_OPERATION_TIMEDOUT));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
    if (reply->status == 303 && request.method == "POST") set(CURLOPT_HTTPGET, 1L);
    url = *std::move(next);
  }
}

Result<> Curl::connect(const std::string& address, std::chrono::milliseconds timeout) {
  if (handle_ == nullptr) return fail(Code::io, "curl_easy_init failed");
  begin(timeout);
  set(CURLOPT_URL, ("telnet://" + address).c_str());
  set(CURLOPT_PROXY, "");
  set(CURLOPT_CONNECT_ONLY, 1L);
  if (!settable_) return fail(Code::io, "libcurl takes no such address");
  error_[0] = '\0';
  if (const CURLcode code = libcurl_.easy_perform(handle_); code != CURLE_OK) return failure(code);
  return {};
}

} // namespace

std::string_view HttpReply::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Result<std::unique_ptr<HttpClient>> HttpClient::make() {
  BERTH_TRY(const Libcurl* const loaded, libcurl());
  return std::make_unique<Curl>(*loaded);
}

Result<HttpReply> perform(const HttpRequest& request) {
  BERTH_TRY(const auto client, HttpClient::make());
  return client->perform(request);
}

Result<> connect(const std::string& address, std::chrono::milliseconds timeout) {
  BERTH_TRY(const Libcurl* const loaded, libcurl());
  return Curl(*loaded).connect(address, timeout);
}

} // namespace berth::client
