#include "cache/redis.h"

#include <algorithm>
#include <charconv>

#include "model/media_types.h"

namespace berth::cache {
namespace {

using Kind = RedisReply::Kind;
using namespace std::chrono_literals;

constexpr auto pause_after_failure = 1s; // in which a server that failed is not asked
constexpr auto calm_after_failure = 5s;  // after which an outage of commands (not of the connection) is over
constexpr std::size_t max_owed = 10'000;
constexpr std::size_t debts_at_once = 16;

std::string members_key(const model::RepositoryName& repository) {
  return "repository::" + repository.str() + "::blobs";
}
std::string global_key(const model::Digest& digest) { return "blobs::" + digest.str(); }
std::string own_key(const model::RepositoryName& repository, const model::Digest& digest) {
  return members_key(repository) + "::" + digest.str();
}

std::optional<std::uint64_t> size_of(const RedisReply& reply) {
  std::uint64_t size = 0;
  const char* end = reply.text.data() + reply.text.size();
  const auto [stop, error] = std::from_chars(reply.text.data(), end, size);
  const bool fits = size <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (reply.kind != Kind::text || error != std::errc() || stop != end || !fits) return std::nullopt;
  return size;
}

// Returns the entry that the replies to SISMEMBER, HMGET and HGET describe; null if they describe none, as rubbish
// does, which is then overwritten.
std::optional<model::Descriptor> descriptor_of(const std::vector<RedisReply>& replies) {
  const RedisReply& member = replies[0];
  const RedisReply& fields = replies[1];
  const RedisReply& own_type = replies[2];
  if (member.kind != Kind::integer || member.integer == 0 || fields.kind != Kind::list || fields.items.size() != 3 ||
      own_type.kind != Kind::text)
    return std::nullopt;
  const auto digest = model::Digest::parse(fields.items[0].text);
  const auto canonical = digest ? model::CanonicalDigest::from(*digest) : fail(Code::digest_invalid);
  const auto size = size_of(fields.items[1]);
  if (!canonical || !size) return std::nullopt;
  std::string type = own_type.text.empty() ? fields.items[2].text : own_type.text;
  if (type.empty()) type = model::media::octet_stream;
  return model::Descriptor{std::move(type), *size, *canonical};
}

void add_entry(const model::RepositoryName& repository, const model::Digest& digest,
               const model::Descriptor& descriptor, std::vector<RedisCommand>& commands) {
  const std::string& type = descriptor.media_type;
  commands.push_back({"SADD", members_key(repository), digest.str()});
  commands.push_back(
      {"HMSET", global_key(digest), "digest", descriptor.digest.str(), "size", std::to_string(descriptor.size)});
  commands.push_back({"HSETNX", global_key(digest), "mediatype", type}); // the first one stays
  commands.push_back({"HSET", own_key(repository, digest), "mediatype", type});
}

} // namespace

Result<std::unique_ptr<Redis>> Redis::make(RedisOptions options, Logger& logger) {
  BERTH_TRY(RedisDialer dialer, RedisDialer::make(std::move(options)));
  return std::unique_ptr<Redis>(new Redis(std::move(dialer), logger));
}

Result<std::optional<model::Descriptor>> Redis::find(const model::RepositoryName& repository,
                                                     const model::Digest& digest) {
  BERTH_TRY(const Replies replies, ask({{"SISMEMBER", members_key(repository), digest.str()},
                                        {"HMGET", global_key(digest), "digest", "size", "mediatype"},
                                        {"HGET", own_key(repository, digest), "mediatype"}}));
  if (owes_) pay_debts();
  return descriptor_of(replies);
}

Result<> Redis::put(const model::RepositoryName& repository, const model::Digest& digest,
                    const model::Descriptor& descriptor) {
  std::vector<RedisCommand> commands;
  add_entry(repository, digest, descriptor, commands);
  if (digest != descriptor.digest) add_entry(repository, descriptor.digest, descriptor, commands);
  // A removal that is still owed would erase the new entry later.
  if (owes_)
    owed_.with([&](std::deque<Owed>& owed) {
      std::erase_if(owed, [&](const Owed& one) {
        return one.repository == repository && (one.digest == digest || one.digest == descriptor.digest);
      });
    });
  BERTH_CHECK(ask(commands));
  return {};
}

Result<> Redis::erase(const model::RepositoryName& repository, const model::Digest& digest) {
  auto erased = erase_now(repository, digest);
  if (erased) return erased;
  const bool kept = owed_.with([&](std::deque<Owed>& owed) {
    if (owed.size() >= max_owed) return false;
    owed.push_back({repository, digest});
    return true;
  });
  owes_ = true;
  if (!kept)
    logger_.error("redis: an entry is not erased, docker/distribution may believe it",
                  {{"repository", repository.str()}, {"digest", digest.str()}});
  return erased;
}

// Without `size` every reader asks its backend.
Result<> Redis::forget(const std::vector<model::Digest>& blobs) {
  constexpr std::size_t most = 1000; // keys of a command
  for (std::size_t at = 0; at < blobs.size(); at += most) {
    RedisCommand command{"DEL"};
    for (std::size_t i = at; i < std::min(at + most, blobs.size()); ++i) command.push_back(global_key(blobs[i]));
    const auto gone = ask({std::move(command)});
    if (gone) continue;
    logger_.error("redis: collected blobs are not erased, docker/distribution may believe they are there",
                  {{"blobs", std::to_string(blobs.size() - at)}, {"why", gone.error().message}});
    return std::unexpected(gone.error());
  }
  return {};
}

Result<> Redis::erase_now(const model::RepositoryName& repository, const model::Digest& digest) {
  const std::string members = members_key(repository), global = global_key(digest);
  BERTH_TRY(const Replies member, ask({{"SISMEMBER", members, digest.str()}}));
  if (member[0].integer == 0) return {};
  BERTH_CHECK(ask({{"MULTI"},
                   {"SREM", members, digest.str()},
                   {"DEL", own_key(repository, digest)},
                   {"HDEL", global, "digest", "size", "mediatype"},
                   {"EXEC"}}));
  return {};
}

void Redis::pay_debts() {
  for (std::size_t i = 0; i < debts_at_once; ++i) {
    const auto next = owed_.with([&](std::deque<Owed>& owed) -> std::optional<Owed> {
      owes_ = owed.size() > 1;
      if (owed.empty()) return std::nullopt;
      Owed front = std::move(owed.front());
      owed.pop_front();
      return front;
    });
    if (!next || !erase(next->repository, next->digest)) return;
  }
}

// Errors: any reply that is an error makes one of the whole.
Result<Redis::Replies> Redis::ask(const std::vector<RedisCommand>& commands) {
  if (!may_try()) return fail(Code::unavailable, "redis is left alone");
  Result<Replies> replies = ask_once(commands);
  if (replies) {
    const auto refused =
        std::ranges::find_if(*replies, [](const RedisReply& reply) { return reply.kind == Kind::error; });
    if (refused != replies->end()) replies = fail(Code::denied, refused->text);
  }
  note(replies);
  return replies;
}

// Uses the open connection; opens a new one if there is none or if redis has closed it.
Result<Redis::Replies> Redis::ask_once(const std::vector<RedisCommand>& commands) {
  struct Count {
    std::atomic<std::size_t>& active;
    const std::size_t now = ++active;
    ~Count() { --active; }
  } const count{active_};
  const RedisOptions& options = dialer_.options();
  if (options.max_active != 0 && count.now > options.max_active)
    return fail(Code::unavailable, "all redis connections are in use");
  const auto oldest = Clock::now() - options.idle_timeout;
  Idle idle = idle_.with([&](std::vector<Idle>& all) {
    std::erase_if(all, [&](const Idle& one) { return one.since < oldest; });
    if (all.empty()) return Idle{};
    Idle last = std::move(all.back());
    all.pop_back();
    return last;
  });
  if (idle.connection) {
    auto replies = use(idle, commands);
    if (replies || is(replies.error(), Code::busy)) return replies;
    idle_.with([](std::vector<Idle>& all) { all.clear(); }); // they are as dead as this one
  }
  BERTH_TRY(idle.connection, dialer_.dial());
  return use(idle, commands);
}

Result<Redis::Replies> Redis::use(Idle& idle, const std::vector<RedisCommand>& commands) {
  auto replies = idle.connection->call(commands);
  if (!replies) return replies;
  idle_.with([&](std::vector<Idle>& all) {
    if (all.size() < dialer_.options().max_idle) all.push_back({std::move(idle.connection), Clock::now()});
  });
  return replies;
}

// False while a server that failed is left alone; true for one request when that is over.
bool Redis::may_try() {
  return health_.with([](Health& health) {
    if (!health.gone) return true;
    const auto now = Clock::now();
    if (now < health.next_try) return false;
    health.next_try = now + pause_after_failure;
    return true;
  });
}

void Redis::note(const Result<Replies>& outcome) {
  // Of a command refused (no memory, a key of another type) nothing follows for the connection.
  const bool gone = !outcome && !is(outcome.error(), Code::denied) && !is(outcome.error(), Code::unavailable);
  bool began = false;
  const std::uint64_t ended_after = health_.with([&](Health& health) -> std::uint64_t {
    const auto now = Clock::now();
    if (!outcome) {
      began = !std::exchange(health.out, true);
      ++health.failed;
      health.gone = health.gone || gone;
      health.last_failure = now;
      if (gone) health.next_try = now + pause_after_failure;
      return 0;
    }
    const bool over = std::exchange(health.gone, false) || now - health.last_failure >= calm_after_failure;
    if (!health.out || !over) return 0;
    health.out = false;
    return std::exchange(health.failed, 0);
  });
  if (began)
    logger_.warn("redis fails; descriptors come from the store alone",
                 {{"redis", dialer_.options().address}, {"error", outcome.error().message}});
  if (ended_after != 0)
    logger_.info("redis works again",
                 {{"redis", dialer_.options().address}, {"failures", std::to_string(ended_after)}});
}

} // namespace berth::cache
