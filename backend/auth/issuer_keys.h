// IssuerKeys: the keys of an issuer of tokens that is elsewhere, fetched when they are first needed.
//
// They are fetched again when a token names a key that is not among them, but not within a minute of the last attempt
// (ten seconds as long as there are none), and when a token comes an hour after the last time, so that a key that the
// issuer has withdrawn goes. One fetch at a time: whoever cannot do without it waits for it. As long as the issuer
// cannot be reached the old keys stay.
// Threads: safe. Spec: OpenID Connect Discovery 1.0 sections 3 and 4, RFC 7517.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "auth/jws.h"
#include "auth/key_files.h"
#include "auth/key_set.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/waiting.h"

namespace berth::auth {

// The body of the reply to a GET, if its status is 200. Bounds its size and its time. Errors: any; the message has no
// secrets. Threads: safe.
using Fetch = std::function<Result<std::string>(const std::string& url)>;

class IssuerKeys {
public:
  struct Options {
    std::string name; // of the issuer, for messages
    std::string url;  // its `iss`; the place of its keys is asked for there
    std::string jwks; // the URL of its keys, or the absolute path of a file; empty: by discovery
  };
  // Reads a file, and fetches nothing. Borrows: clock, logger. Errors: invalid for a URL that is not https (or http on
  // loopback); those of open_key_files.
  static Result<std::unique_ptr<IssuerKeys>> make(Options options, Fetch fetch, const Clock& clock, Logger& logger);

  // The key that a token's header names. The caller waits with its thread for a fetch.
  // Errors: unauthorized: there is no such key; unavailable: there are no keys yet.
  Result<DatedKey> find(const Jws& token, std::chrono::sys_seconds now, Waiting* waiting);

private:
  using Keys = std::shared_ptr<const KeySet>;
  struct State {
    Keys keys;             // null: none yet
    Time taken{}, tried{}; // since when they are those; when they were last asked for
    bool is_fetching = false;
    bool reachable = true; // by the last attempt, for the log
  };

  IssuerKeys(Options options, std::unique_ptr<KeyFiles> file, Fetch fetch, const Clock& clock, Logger& logger)
      : options_(std::move(options)),
        file_(std::move(file)),
        fetch_(std::move(fetch)),
        clock_(clock),
        logger_(logger) {}
  Keys known();
  Keys refreshed(const Keys& seen, Waiting* waiting);
  Result<KeySet> fetched() const;
  void take(Result<KeySet> keys);

  const Options options_;
  const std::unique_ptr<KeyFiles> file_; // null: they are fetched
  const Fetch fetch_;
  const Clock& clock_;
  Logger& logger_;
  std::mutex fetching_; // held while they are; before the other
  std::mutex mutex_;    // of the state
  State state_;
};

} // namespace berth::auth
