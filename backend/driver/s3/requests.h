// Requests: what is asked of one bucket, over HTTP: signed, on connections that are kept, asked again where that can
// help, and with the store's errors in words. Secrets are in no error.
// Spec: Amazon S3 REST API.
// Threads: safe; more requests at once than Options::connections wait. Borrows: everything it is made of.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "client/http_client.h"
#include "driver/s3/credentials.h"
#include "driver/s3/options.h"
#include "driver/s3/signer.h"

namespace berth::driver::s3 {

// How long a request may take.
enum class Pace {
  quick,    // a question, or little to send: seconds, as somebody waits
  list,     // which takes some stores longer
  transfer, // many bytes: as long as they flow
  work,     // the store copies, or puts together: minutes
};

// How often a request may be made.
enum class Repeat {
  freely, // the result is the same
  once,   // not again once it may have had an effect
};

struct Asked {
  std::string method;
  std::string key = {}; // empty: of the bucket itself
  Pairs query = {};
  Pairs headers = {}; // names in lower case
  std::string_view body = {};
  std::optional<client::FilePart> file = {};
  std::string payload_hash{empty_hash};
  std::size_t max_reply_bytes = std::size_t{64} << 10;
  Pace pace = Pace::quick;
  Repeat repeat = Repeat::freely;
};

class Requests {
public:
  Requests(Options options, CredentialSource& credentials, const Clock& clock, Random& random, Logger& logger);
  Requests(const Requests&) = delete;
  ~Requests();

  const Options& options() const { return options_; }
  bool is_secure() const { return address_.origin.starts_with("https"); }

  // A reply of 200 to 299. Errors: not_found; busy: a condition does not hold; unavailable: the store is away, slow or
  // over its limits, after some tries; storage_full; size_invalid: the reply is
  // longer than max_reply_bytes; io, the message says what the store said.
  Result<client::HttpReply> send(const Asked& asked);

  // A URL with which anybody can get the object for 20 minutes at least. The same for five minutes.
  Result<std::string> url_of(const std::string& key);

private:
  class Connection; // one that nobody else uses; it goes back when it is destroyed

  Result<client::HttpReply> try_once(const Asked& asked);
  bool corrects_clock(const client::HttpReply& reply);
  std::unexpected<Error> refusal(const Asked& asked, const client::HttpReply& reply) const;
  Time now() const { return clock_.now() + std::chrono::seconds(clock_is_behind_.load()); }
  std::chrono::milliseconds pause_before(unsigned attempt);

  const Options options_;
  const Address address_, redirect_address_;
  CredentialSource& credentials_;
  const Clock& clock_;
  Random& random_;
  Logger& logger_;
  std::counting_semaphore<> free_;
  Guarded<std::vector<std::unique_ptr<client::HttpClient>>> idle_;
  std::atomic<long> clock_is_behind_ = 0; // seconds that the store is ahead of this host
};

} // namespace berth::driver::s3
