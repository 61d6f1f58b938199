// Passwords: whether a user's password is right, without computing bcrypt (or asking a directory) for every request,
// and without letting those who guess have the processor (or the directory). Nothing is kept of a password but a MAC
// under a key of this process. What is said of bcrypts here is true of any check of a PasswordStore. Threads: safe; a
// caller may wait for a bcrypt, its own or that of others.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "auth/access.h"
#include "auth/password_store.h"
#include "base/clock.h"
#include "base/lru_map.h"
#include "base/random.h"
#include "base/result.h"
#include "base/waiting.h"

namespace berth::auth {

struct PasswordLimits {
  std::size_t entries = 10'000; // of each of the maps
  Time::duration right_unused = std::chrono::minutes(5), right_at_most = std::chrono::hours(1);
  Time::duration wrong = std::chrono::seconds(10);
  unsigned bcrypts = 0;  // at once; 0: half of the processors, at least one
  unsigned waiting = 32; // that wait for a bcrypt, each with its thread; who may leave waits without one
  std::chrono::milliseconds longest_wait = std::chrono::seconds(10); // by the real clock
  // Of different passwords, by one address (IPv6: one /64) or for one name. From this many on, each further one doubles
  // the time in which no other is looked at.
  unsigned free_failures = 10;
  Time::duration first_delay = std::chrono::seconds(1), longest_delay = std::chrono::seconds(60);
  Time::duration failures_forgotten = std::chrono::minutes(10); // after the last
};

class Passwords {
public:
  // Since the start. A question counts as a hit or as a bcrypt (or was throttled), and as wrong beside.
  struct Counts {
    std::uint64_t hits = 0;      // answered without a bcrypt of its own
    std::uint64_t bcrypts = 0;   // computed
    std::uint64_t wrong = 0;     // answered with unauthorized
    std::uint64_t throttled = 0; // answered with too_many_requests
  };

  Passwords(const Clock& clock, Random& random, PasswordLimits limits = {});

  // The caller, as the store gave it when it was asked. The address: of the client; empty: it is not counted. Errors:
  // unauthorized and too_many_requests, without a text: too many failures, or too many wait already; those of the store
  // that are neither: they are nobody's failure, and are not remembered. A right password that was checked a short time
  // ago is never too much, and neither is one that is being checked already for a caller that may leave (waiting): the
  // error is busy then, and means nothing.
  // Requires: always the same users: one Passwords for each source of them.
  Result<Caller> verify(const PasswordStore& users, std::string_view user, std::string_view password,
                        std::string_view address, Waiting* waiting = nullptr);

  Counts counts() const;

private:
  using Key = std::string; // a MAC; hashed by its bytes
  struct Right {
    std::string stamp;
    Caller caller;
    Time checked, used;
  };
  struct Wrong {
    std::string stamp; // empty: there was no such user
    Time checked;
  };
  struct Failures {
    unsigned count = 0;
    Time last = {}, until = {}; // no other is looked at until then
  };
  struct Attempt {
    std::string user, stamp;
    Key key, name_key, address_key;
  };
  struct Check final : Awaited { // a bcrypt on its way, or waiting for its turn
    Check(const Passwords& by, Key of_key, std::string of_stamp)
        : owner(&by), key(std::move(of_key)), stamp(std::move(of_stamp)) {}
    bool answers(const Attempt& attempt) const { return key == attempt.key && stamp == attempt.stamp; }
    const Passwords* owner;
    Key key;
    std::string stamp;
    Result<Caller> outcome = {}; // once it is over
  };

  Key mac(std::string_view kind, std::string_view first, std::string_view second = {}) const;
  Key key_of_address(std::string_view address) const;

  // With the mutex held.
  std::optional<Result<Caller>> from_cache(const Attempt& attempt, Time now);
  bool is_throttled(const Attempt& attempt, Time now);
  bool is_throttled(const Key& key, Time now);
  void count_failure(const Key& key, Time now);
  void record(const Attempt& attempt, const Result<Caller>& outcome, Time now);
  Result<Caller> refuse(Code code);
  Result<Caller> counted(const Result<Caller>& outcome);

  // They give up the mutex while they wait or compute.
  Result<Caller> join(std::unique_lock<std::mutex>& lock, std::shared_ptr<Check> check, Waiting* waiting);
  Result<Caller> shared(const Check& check);
  Result<Caller> run(std::unique_lock<std::mutex>& lock, const Attempt& attempt, const PasswordStore& users,
                     std::string_view password);

  const Clock& clock_;
  const PasswordLimits limits_;
  std::array<std::byte, 32> secret_;

  mutable std::mutex mutex_;
  std::condition_variable changed_; // a check is done, a turn is free
  LruMap<Key, Right> right_;
  LruMap<Key, Wrong> wrong_;
  LruMap<Key, Failures> failures_; // of names and of addresses
  std::map<Key, std::shared_ptr<Check>> checks_;
  unsigned running_ = 0, waiting_ = 0;
  Counts counts_;
};

} // namespace berth::auth
