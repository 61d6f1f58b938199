// The descriptor cache in redis (storage.cache.blobdescriptor: redis): docker/distribution's keys, so that a fleet of
// both shares one memory.
//
//   repository::<name>::blobs            a set: the digests that the repository has
//   blobs::<digest>                      a hash: digest (canonical), size, mediatype
//   repository::<name>::blobs::<digest>  a hash: mediatype, as this repository has it
//
// A server that is slow, gone, full or full of rubbish costs requests nothing but its help: after a failure it is left
// alone for a second, then asked by one request. One line is logged when an outage begins, and one when it is over.
// Entries that could not be erased during an outage are erased after it.
// Threads: safe. Borrows: logger.
// Spec: docker/distribution 3.1's registry/storage/cache/redis; erasing takes the digest out of the set, as it does
// since 3.1.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"
#include "cache/entries.h"
#include "cache/redis_connection.h"

namespace berth::cache {

class Redis final : public Entries {
public:
  // Connects with the first request. Errors: invalid.
  static Result<std::unique_ptr<Redis>> make(RedisOptions options, Logger& logger);

  Result<std::optional<model::Descriptor>> find(const model::RepositoryName& repository,
                                                const model::Digest& digest) override;
  Result<> put(const model::RepositoryName& repository, const model::Digest& digest,
               const model::Descriptor& descriptor) override;
  Result<> erase(const model::RepositoryName& repository, const model::Digest& digest) override;
  Result<> forget(const std::vector<model::Digest>& blobs) override;

  // Connections in use.
  std::size_t active() const { return active_; }

private:
  using Clock = std::chrono::steady_clock;
  using Replies = std::vector<RedisReply>;
  struct Idle {
    std::unique_ptr<RedisConnection> connection; // null: none
    Clock::time_point since{};
  };
  struct Health {
    bool out = false;  // an outage was logged and is not over
    bool gone = false; // the connection failed, not just a command
    std::uint64_t failed = 0;
    Clock::time_point last_failure{};
    Clock::time_point next_try{};
  };
  struct Owed {
    model::RepositoryName repository;
    model::Digest digest;
  };

  Redis(RedisDialer dialer, Logger& logger) : dialer_(std::move(dialer)), logger_(logger) {}
  Result<Replies> ask(const std::vector<RedisCommand>& commands);
  Result<Replies> ask_once(const std::vector<RedisCommand>& commands);
  Result<Replies> use(Idle& idle, const std::vector<RedisCommand>& commands);
  Result<> erase_now(const model::RepositoryName& repository, const model::Digest& digest);
  void pay_debts();
  bool may_try();
  void note(const Result<Replies>& outcome);

  const RedisDialer dialer_;
  Logger& logger_;
  Guarded<std::vector<Idle>> idle_; // the most recently used last
  Guarded<Health> health_;
  Guarded<std::deque<Owed>> owed_; // what could not be erased
  std::atomic<bool> owes_ = false;
  std::atomic<std::size_t> active_ = 0;
};

} // namespace berth::cache
