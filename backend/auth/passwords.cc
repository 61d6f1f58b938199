#include "auth/passwords.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "base/encoding.h"

namespace berth::auth {
namespace {

constexpr std::size_t mac_bytes = 32;
constexpr unsigned most_doublings = 30;

PasswordLimits with_defaults(PasswordLimits limits) {
  if (limits.bcrypts == 0) limits.bcrypts = std::max(1U, std::thread::hardware_concurrency() / 2);
  return limits;
}

void append_with_length(std::string& text, std::string_view part) {
  const auto size = static_cast<std::uint32_t>(part.size());
  for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(size >> shift & 0xff);
  text += part;
}

bool is_within(Time since, Time::duration limit, Time now) { return now >= since && now - since < limit; }

} // namespace

Passwords::Passwords(const Clock& clock, Random& random, PasswordLimits limits)
    : clock_(clock),
      limits_(with_defaults(limits)),
      right_(limits_.entries),
      wrong_(limits_.entries),
      failures_(limits_.entries) {
  random.fill(secret_);
}

Result<Caller> Passwords::verify(const PasswordStore& users, std::string_view user, std::string_view password,
                                 std::string_view address, Waiting* waiting) {
  Attempt attempt{std::string(user), users.stamp_of(user), mac("password", user, password), mac("name", user),
                  key_of_address(address)};

  std::unique_lock lock(mutex_);
  if (user.empty()) return refuse(Code::unauthorized);
  if (waiting != nullptr)
    if (const auto* left = dynamic_cast<const Check*>(waiting->ended.get());
        left != nullptr && left->owner == this && left->is_over() && left->answers(attempt))
      return shared(*left);
  const Time now = clock_.now();
  if (auto known = from_cache(attempt, now)) return *std::move(known);
  // Whoever sends the same at once waits for one bcrypt; if the line has changed meanwhile, for one of its own.
  if (const auto running = checks_.find(attempt.key); running != checks_.end() && running->second->answers(attempt))
    return join(lock, running->second, waiting);
  if (waiting != nullptr) waiting->will_take_long();
  if (is_throttled(attempt, now)) return refuse(Code::too_many_requests);
  return run(lock, attempt, users, password);
}

Passwords::Counts Passwords::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

Passwords::Key Passwords::mac(std::string_view kind, std::string_view first, std::string_view second) const {
  std::string message(kind);
  append_with_length(message, first);
  message += second;
  Key key(mac_bytes, '\0');
  unsigned length = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(),
       reinterpret_cast<unsigned char*>(key.data()), &length);
  OPENSSL_cleanse(message.data(), message.size());
  return key;
}

Passwords::Key Passwords::key_of_address(std::string_view address) const {
  constexpr std::size_t network_bytes = 8; // whoever has one address of IPv6 has a /64 of them
  constexpr std::string_view mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  if (address.empty()) return {};
  std::array<std::byte, 16> bytes;
  if (inet_pton(AF_INET6, std::string(address).c_str(), bytes.data()) != 1) return mac("address", address);
  const std::string_view text = as_text(bytes);
  if (!text.starts_with(mapped)) return mac("network", text.substr(0, network_bytes));
  std::array<char, INET_ADDRSTRLEN> v4{};
  inet_ntop(AF_INET, text.substr(mapped.size()).data(), v4.data(), v4.size());
  return mac("address", v4.data());
}

std::optional<Result<Caller>> Passwords::from_cache(const Attempt& attempt, Time now) {
  if (const Right* right = right_.find(attempt.key)) {
    if (right->stamp == attempt.stamp && is_within(right->used, limits_.right_unused, now) &&
        is_within(right->checked, limits_.right_at_most, now)) {
      Right used = *right;
      used.used = now;
      right_.put(attempt.key, used);
      ++counts_.hits;
      return std::move(used.caller);
    }
    right_.erase(attempt.key);
  }
  const Wrong* wrong = wrong_.find(attempt.key);
  if (wrong != nullptr && wrong->stamp == attempt.stamp && is_within(wrong->checked, limits_.wrong, now)) {
    ++counts_.hits;
    return refuse(Code::unauthorized);
  }
  return std::nullopt;
}

bool Passwords::is_throttled(const Attempt& attempt, Time now) {
  return is_throttled(attempt.name_key, now) || is_throttled(attempt.address_key, now);
}

bool Passwords::is_throttled(const Key& key, Time now) {
  const Failures* failures = failures_.find(key);
  return failures != nullptr && now < failures->until && failures->until - now <= limits_.longest_delay;
}

void Passwords::count_failure(const Key& key, Time now) {
  if (key.empty()) return;
  Failures failures;
  if (const Failures* before = failures_.find(key);
      before != nullptr && is_within(before->last, limits_.failures_forgotten, now))
    failures = *before;
  ++failures.count;
  failures.last = now;
  if (failures.count >= limits_.free_failures) {
    const unsigned doublings = std::min(failures.count - limits_.free_failures, most_doublings);
    failures.until = now + std::min(limits_.first_delay * (std::int64_t{1} << doublings), limits_.longest_delay);
  }
  failures_.put(key, failures);
}

void Passwords::record(const Attempt& attempt, const Result<Caller>& outcome, Time now) {
  if (outcome) {
    right_.put(attempt.key, Right{attempt.stamp, *outcome, now, now});
    failures_.erase(attempt.name_key); // not the address's: one good account must not pay for guesses at others
    return;
  }
  if (!is(outcome.error(), Code::unauthorized)) return;
  // A job that asks again and again with the same wrong password guesses nothing.
  const Wrong* before = wrong_.find(attempt.key);
  const bool is_guess = before == nullptr || before->stamp != attempt.stamp;
  wrong_.put(attempt.key, Wrong{attempt.stamp, now});
  if (!is_guess) return;
  count_failure(attempt.name_key, now);
  count_failure(attempt.address_key, now);
}

Result<Caller> Passwords::refuse(Code code) {
  ++(code == Code::unauthorized ? counts_.wrong : counts_.throttled);
  return fail(code);
}

// What a check came to, as the answer to one more question.
Result<Caller> Passwords::counted(const Result<Caller>& outcome) {
  if (outcome) return outcome;
  const Code code = outcome.error().code;
  return code == Code::unauthorized || code == Code::too_many_requests ? refuse(code) : outcome;
}

Result<Caller> Passwords::join(std::unique_lock<std::mutex>& lock, std::shared_ptr<Check> check, Waiting* waiting) {
  if (waiting != nullptr && waiting->may_leave) {
    waiting->awaited = std::move(check);
    return fail(Code::busy);
  }
  if (waiting_ >= limits_.waiting) return refuse(Code::too_many_requests);
  if (waiting != nullptr) waiting->will_take_long();
  ++waiting_;
  const bool done = changed_.wait_for(lock, limits_.longest_wait, [&] { return check->is_over(); });
  --waiting_;
  return done ? shared(*check) : refuse(Code::too_many_requests);
}

// The outcome of a check, for one that waited for it.
Result<Caller> Passwords::shared(const Check& check) {
  if (check.outcome || is(check.outcome.error(), Code::unauthorized)) ++counts_.hits;
  return counted(check.outcome);
}

Result<Caller> Passwords::run(std::unique_lock<std::mutex>& lock, const Attempt& attempt, const PasswordStore& users,
                              std::string_view password) {
  if (running_ >= limits_.bcrypts && waiting_ >= limits_.waiting) return refuse(Code::too_many_requests);
  const auto check = std::make_shared<Check>(*this, attempt.key, attempt.stamp);
  checks_.insert_or_assign(attempt.key, check);
  const auto end = [&](Result<Caller> outcome) {
    check->outcome = outcome;
    check->end();
    if (const auto found = checks_.find(attempt.key); found->second == check) checks_.erase(found);
    changed_.notify_all();
    return outcome;
  };

  ++waiting_;
  const bool has_turn = changed_.wait_for(lock, limits_.longest_wait, [this] { return running_ < limits_.bcrypts; });
  --waiting_;
  // Others of the same address may have failed meanwhile.
  if (!has_turn || is_throttled(attempt, clock_.now())) return end(refuse(Code::too_many_requests));

  ++running_;
  ++counts_.bcrypts;
  lock.unlock();
  const Result<Caller> outcome = users.check(attempt.user, password);
  lock.lock();
  --running_;
  record(attempt, outcome, clock_.now());
  return end(counted(outcome));
}

} // namespace berth::auth
