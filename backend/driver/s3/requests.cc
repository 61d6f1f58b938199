#include "driver/s3/requests.h"

#include <array>
#include <cstdlib>
#include <thread>

#include "driver/s3/http_time.h"
#include "driver/s3/xml.h"

namespace berth::driver::s3 {
namespace {

using namespace std::chrono_literals;

constexpr unsigned max_tries = 3;
constexpr auto first_pause = 100ms;
constexpr auto connect_timeout = 3s;
constexpr auto quick_timeout = 4s, list_timeout = 15s, work_timeout = 600s; // of each try
constexpr auto stall_timeout = 30s;
constexpr auto tolerated_skew = 10min; // S3 refuses what is 15 minutes off
constexpr auto url_step = 5min, url_good_for = 25min;

bool may_pass(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

// What the store refused before it looked at the request.
bool had_no_effect(int status) { return status == 429 || status == 503; }

void set_pace(client::HttpRequest& request, Pace pace) {
  request.connect_timeout = connect_timeout;
  switch (pace) {
  case Pace::quick: request.timeout = quick_timeout; break;
  case Pace::list: request.timeout = list_timeout; break;
  case Pace::work: request.timeout = work_timeout; break;
  case Pace::transfer:
    request.timeout = 0ms;
    request.stall_timeout = stall_timeout;
    break;
  }
}

std::string shown(const Asked& asked) { return asked.method + " " + (asked.key.empty() ? "the bucket" : asked.key); }

constexpr std::string_view of_credentials[] = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken",
                                               "InvalidToken", "XAdminUserNotFound"};

} // namespace

class Requests::Connection {
public:
  static Result<Connection> take(Requests& requests) {
    requests.free_.acquire();
    auto client = requests.idle_.with([](auto& idle) {
      std::unique_ptr<client::HttpClient> last;
      if (!idle.empty()) {
        last = std::move(idle.back());
        idle.pop_back();
      }
      return last;
    });
    if (client == nullptr) {
      auto made = client::HttpClient::make();
      if (!made) {
        requests.free_.release();
        return std::unexpected(made.error());
      }
      client = *std::move(made);
    }
    return Connection(requests, std::move(client));
  }
  Connection(Connection&&) = default;
  Connection& operator=(Connection&&) = delete;
  ~Connection() {
    if (client_ == nullptr) return; // moved from
    requests_.idle_.with([&](auto& idle) { idle.push_back(std::move(client_)); });
    requests_.free_.release();
  }
  client::HttpClient& operator*() { return *client_; }

private:
  Connection(Requests& requests, std::unique_ptr<client::HttpClient> client)
      : requests_(requests), client_(std::move(client)) {}

  Requests& requests_;
  std::unique_ptr<client::HttpClient> client_;
};

Requests::Requests(Options options, CredentialSource& credentials, const Clock& clock, Random& random, Logger& logger)
    : options_(std::move(options)),
      address_(address_of(options_)),
      redirect_address_(redirect_address_of(options_)),
      credentials_(credentials),
      clock_(clock),
      random_(random),
      logger_(logger),
      free_(static_cast<std::ptrdiff_t>(options_.connections)) {}

Requests::~Requests() = default;

Result<client::HttpReply> Requests::try_once(const Asked& asked) {
  BERTH_TRY(const Credentials who, credentials_.now(now()));
  const std::string path = address_.path_prefix +
                           (asked.key.empty() ? (address_.path_prefix.empty() ? "/" : "") : "/") +
                           uri_encode(asked.key, Slash::kept);
  Signable signable{.method = asked.method,
                    .host = address_.host,
                    .path = path,
                    .query = asked.query,
                    .headers = asked.headers,
                    .payload_hash = asked.payload_hash};
  signable.headers.emplace_back("x-amz-content-sha256", asked.payload_hash);
  Pairs headers = sign(signable, who, {.region = options_.region}, now());
  headers.insert(headers.end(), signable.headers.begin(), signable.headers.end());
  const std::string query = canonical_query(asked.query);
  client::HttpRequest request{.method = asked.method,
                              .url = address_.origin + path + (query.empty() ? "" : "?") + query,
                              .headers = std::move(headers),
                              .user_agent = options_.user_agent,
                              .body = asked.body,
                              .file = asked.file,
                              .max_reply_bytes = asked.max_reply_bytes,
                              .verifies_tls = options_.verifies_tls};
  set_pace(request, asked.pace);
  BERTH_TRY(Connection connection, Connection::take(*this));
  return (*connection).perform(request);
}

// Whether a refusal is for the hour: then the store's is taken from now on.
bool Requests::corrects_clock(const client::HttpReply& reply) {
  const auto theirs = parse_http_time(reply.header("date"));
  if (reply.status != 403 || !theirs) return false;
  const auto behind = std::chrono::duration_cast<std::chrono::seconds>(*theirs - clock_.now());
  const auto corrected = std::chrono::seconds(clock_is_behind_.load());
  if (std::chrono::abs(behind - corrected) < tolerated_skew) return false;
  clock_is_behind_ = behind.count();
  logger_.warn("the clocks of this host and of the object store differ: requests are signed with the store's",
               {{"seconds", std::to_string(behind.count())}});
  return true;
}

std::chrono::milliseconds Requests::pause_before(unsigned attempt) {
  std::array<std::byte, 2> bytes{};
  random_.fill(bytes);
  const auto part = static_cast<unsigned>(bytes[0]) << 8 | static_cast<unsigned>(bytes[1]);
  const auto most = first_pause * (1 << attempt);
  return most / 2 + most * part / 2 / 65536;
}

Result<client::HttpReply> Requests::send(const Asked& asked) {
  bool has_corrected = false;
  for (unsigned attempt = 1;; ++attempt) {
    auto reply = try_once(asked);
    const bool is_last = attempt >= max_tries;
    if (!reply && is(reply.error(), Code::size_invalid)) return reply;
    if (!reply && !is(reply.error(), Code::io)) return reply;
    if (reply && reply->status >= 200 && reply->status <= 299) return reply;
    if (reply && !has_corrected && corrects_clock(*reply)) {
      has_corrected = true;
      --attempt;
      continue;
    }
    const bool can_pass = !reply || may_pass(reply->status);
    if (can_pass && !is_last && (asked.repeat == Repeat::freely || (reply && had_no_effect(reply->status)))) {
      std::this_thread::sleep_for(pause_before(attempt));
      continue;
    }
    if (reply) return refusal(asked, *reply);
    logger_.warn("the object store does not answer", {{"asked", shown(asked)}, {"error", reply.error().message}});
    return fail(Code::unavailable, "the object store does not answer", reply.error().detail);
  }
}

std::unexpected<Error> Requests::refusal(const Asked& asked, const client::HttpReply& reply) const {
  const Failure failure = parse_failure(reply.body);
  const std::string status = std::to_string(reply.status);
  const std::string said = shown(asked) + ": the object store answered " + status +
                           (failure.code.empty() ? "" : " " + failure.code) +
                           (failure.message.empty() ? "" : ": " + failure.message);
  if (failure.code == "NoSuchBucket")
    return fail(Code::io, "storage.s3.bucket: \"" + options_.bucket + "\": there is no such bucket");
  for (const std::string_view code : of_credentials)
    if (failure.code == code)
      return fail(Code::io, "storage.s3: the object store does not take the credentials: " + failure.code);
  const std::string_view region = !failure.region.empty() ? failure.region : reply.header("x-amz-bucket-region");
  if (reply.status == 301 || failure.code == "AuthorizationHeaderMalformed")
    return fail(Code::io, "storage.s3.region: \"" + options_.region + "\": the store does not take it" +
                              (region.empty() ? std::string() : ": it says " + std::string(region)));
  if (failure.code == "QuotaExceeded" || reply.status == 507 || failure.code == "XMinioStorageFull")
    return fail(Code::storage_full, said);
  if (reply.status == 403)
    return fail(Code::io, said + "; a right is missing (s3:GetObject, PutObject, DeleteObject, AbortMultipartUpload or "
                                 "ListBucket), or nothing is there and s3:ListBucket is missing");
  // Of the bucket itself, or in other words, it is no answer about an object.
  const bool tells_of_object = !asked.key.empty() && (failure.code.empty() || failure.code.starts_with("NoSuch"));
  if (reply.status == 404 && tells_of_object) return fail(Code::not_found, said);
  if (reply.status == 412 || failure.code == "ConditionalRequestConflict") return fail(Code::busy, said);
  if (may_pass(reply.status)) {
    logger_.warn("the object store refuses for the moment", {{"answer", said}});
    return fail(Code::unavailable, "the object store takes no more at the moment");
  }
  return fail(Code::io, said);
}

Result<std::string> Requests::url_of(const std::string& key) {
  const auto step = std::chrono::duration_cast<Time::duration>(url_step);
  const Time rounded(now().time_since_epoch() / step * step);
  BERTH_TRY(const Credentials who, credentials_.now(now()));
  const std::string path = redirect_address_.path_prefix + "/" + uri_encode(key, Slash::kept);
  const Signable signable{
      .method = "GET", .host = redirect_address_.host, .path = path, .payload_hash = unsigned_payload};
  return redirect_address_.origin + path + "?" +
         presigned_query(signable, who, {.region = options_.region}, rounded, url_good_for);
}

} // namespace berth::driver::s3
