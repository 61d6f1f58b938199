#include "auth/passwords.h"

#include <catch2/catch.hpp>

#include <barrier>
#include <thread>

#include "auth/htpasswd.h"
#include "unit/auth/setting.h"

using namespace berth;
using namespace berth::auth;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view alice = "alice:$2y$05$berthVECTORSALT012345uJ/QsPcT.E0bMGXgqU5yYjRk8DSSTLnu\n"; // secret
constexpr std::string_view bob = "bob:$2y$04$berthVECTORSALT012345ud23ItC5rlf3Y0vGoTZ/ZmEpWl1iX83i\n";     // fast
constexpr std::string_view slow = "slow:$2y$10$berthVECTORSALT012345ulmXt7E/JUQ8v2DQurmk0rPZh6gwKVH2\n";   // slow

struct Setting {
  explicit Setting(PasswordLimits limits = {}) : passwords(clock, random, limits) {}

  // The code of the refusal; nullopt: right.
  std::optional<Code> ask(std::string_view user, std::string_view password, std::string_view address = "10.0.0.1") {
    const auto caller = passwords.verify(users, user, password, address);
    if (!caller) return caller.error().code;
    CHECK(caller->user == user);
    CHECK(caller->stamp == users.find(user)->stamp);
    return std::nullopt;
  }
  std::uint64_t bcrypts() const { return passwords.counts().bcrypts; }
  std::string lines(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const std::string_view part : parts) text += part;
    return text;
  }

  test::SetClock clock;
  SystemRandom random;
  Htpasswd users = Htpasswd::parse(lines({alice, bob})).value();
  Passwords passwords;
};

constexpr auto wrong = Code::unauthorized;
constexpr auto too_many = Code::too_many_requests;

// As many different wrong passwords.
void fail_times(Setting& setting, int times, const std::string& user, const std::string& address) {
  static int number = 0;
  for (int i = 0; i < times; ++i) REQUIRE(setting.ask(user, "wrong " + std::to_string(++number), address) == wrong);
}

} // namespace

TEST_CASE("many requests of a user cost one bcrypt") {
  Setting setting;
  for (int i = 0; i < 50; ++i) CHECK_FALSE(setting.ask("bob", "fast"));
  CHECK(setting.bcrypts() == 1);
  CHECK(setting.passwords.counts().hits == 49);
  CHECK(setting.passwords.counts().wrong == 0);
}

TEST_CASE("others are let before a bcrypt, and not for what is known") {
  Setting setting;
  int times = 0;
  Waiting waiting{.takes_long = [&] { ++times; }};
  const auto ask = [&](std::string_view password) {
    return setting.passwords.verify(setting.users, "bob", password, "10.0.0.1", &waiting).has_value();
  };
  CHECK(ask("fast"));
  CHECK(times == 1);
  CHECK(ask("fast"));
  CHECK(times == 1);
  CHECK_FALSE(ask("else"));
  CHECK(times == 2);
}

TEST_CASE("what was right is computed again after five minutes without use, and after an hour") {
  Setting setting;
  CHECK_FALSE(setting.ask("bob", "fast"));
  setting.clock.pass(5min);
  CHECK_FALSE(setting.ask("bob", "fast"));
  CHECK(setting.bcrypts() == 2);
  for (int minutes = 4; minutes < 60; minutes += 4) {
    setting.clock.pass(4min);
    CHECK_FALSE(setting.ask("bob", "fast"));
  }
  CHECK(setting.bcrypts() == 2);
  setting.clock.pass(4min);
  CHECK_FALSE(setting.ask("bob", "fast"));
  CHECK(setting.bcrypts() == 3);
}

TEST_CASE("a clock that is set back does not make an entry live longer") {
  Setting setting;
  CHECK_FALSE(setting.ask("bob", "fast"));
  setting.clock.pass(-1h);
  CHECK_FALSE(setting.ask("bob", "fast"));
  CHECK(setting.bcrypts() == 2);
}

TEST_CASE("a user's new line ends what the old one let in, and lets in what it refused") {
  Setting setting;
  CHECK_FALSE(setting.ask("alice", "secret"));
  CHECK(setting.ask("alice", "fast") == wrong);
  const std::string hash(bob.substr(4));
  setting.users = Htpasswd::parse("alice:" + hash).value();
  CHECK(setting.ask("alice", "secret") == wrong);
  CHECK_FALSE(setting.ask("alice", "fast"));
  setting.users = Htpasswd::parse("").value();
  CHECK(setting.ask("alice", "fast") == wrong);
}

TEST_CASE("a wrong password is remembered for ten seconds") {
  Setting setting;
  for (int i = 0; i < 5; ++i) CHECK(setting.ask("bob", "nonsense") == wrong);
  CHECK(setting.ask("nobody", "nonsense") == wrong);
  CHECK(setting.ask("nobody", "nonsense") == wrong);
  CHECK(setting.bcrypts() == 2);
  CHECK(setting.passwords.counts().wrong == 7);
  CHECK(setting.passwords.counts().hits == 5);
  setting.clock.pass(10s);
  CHECK(setting.ask("bob", "nonsense") == wrong);
  CHECK(setting.bcrypts() == 3);
}

TEST_CASE("user and password are told apart") {
  Setting setting;
  setting.users = Htpasswd::parse(setting.lines({bob, "bobf", bob.substr(3)})).value();
  CHECK_FALSE(setting.ask("bob", "fast"));
  CHECK(setting.ask("bobf", "ast") == wrong);
}

TEST_CASE("a user without a name is refused at once") {
  Setting setting;
  CHECK(setting.ask("", "secret") == wrong);
  CHECK(setting.bcrypts() == 0);
  CHECK(setting.passwords.counts().wrong == 1);
}

TEST_CASE("who guesses for one name waits, longer and longer, wherever he is") {
  Setting setting;
  int from = 0;
  const auto address = [&] { return "10.1.0." + std::to_string(++from); };
  for (int i = 0; i < 10; ++i) fail_times(setting, 1, "bob", address());
  CHECK(setting.ask("bob", "fast", address()) == too_many);
  CHECK(setting.bcrypts() == 10);
  CHECK(setting.passwords.counts().throttled == 1);
  for (const auto delay : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    setting.clock.pass(delay - 1ns);
    CHECK(setting.ask("bob", "fast", address()) == too_many);
    setting.clock.pass(1ns);
    fail_times(setting, 1, "bob", address());
  }
  CHECK_FALSE(setting.ask("alice", "secret", address()));
  setting.clock.pass(60s);
  CHECK_FALSE(setting.ask("bob", "fast", address()));
  fail_times(setting, 1, "bob", address());
  CHECK(setting.ask("bob", "another", address()) == wrong); // his own password has ended it
}

TEST_CASE("who guesses from one address waits, whoever he says he is") {
  Setting setting;
  for (int i = 0; i < 10; ++i) fail_times(setting, 1, "user" + std::to_string(i), "10.0.0.7");
  CHECK(setting.ask("bob", "fast", "10.0.0.7") == too_many);
  CHECK_FALSE(setting.ask("bob", "fast", "10.0.0.8"));
  setting.clock.pass(1s);
  CHECK_FALSE(setting.ask("alice", "secret", "10.0.0.7"));
  fail_times(setting, 1, "userx", "10.0.0.7"); // a good account does not pay for guesses at others
  CHECK(setting.ask("usery", "x", "10.0.0.7") == too_many);
}

TEST_CASE("a network of IPv6 is one address, and a mapped one is that of IPv4") {
  Setting setting;
  for (int i = 0; i < 10; ++i)
    fail_times(setting, 1, "user" + std::to_string(i), "2001:db8:0:1::" + std::to_string(i + 1));
  CHECK(setting.ask("bob", "fast", "2001:db8:0:1:ffff::9") == too_many);
  CHECK_FALSE(setting.ask("bob", "fast", "2001:db8:0:2::1"));
  for (int i = 0; i < 10; ++i) fail_times(setting, 1, "other" + std::to_string(i), "::ffff:10.0.0.9");
  CHECK(setting.ask("alice", "secret", "10.0.0.9") == too_many);
  CHECK_FALSE(setting.ask("alice", "secret", "::ffff:10.0.0.10"));
}

TEST_CASE("no address is counted where there is none") {
  Setting setting;
  for (int i = 0; i < 20; ++i) fail_times(setting, 1, "user" + std::to_string(i), "");
  CHECK_FALSE(setting.ask("bob", "fast", ""));
}

TEST_CASE("a right password that is known is never too much") {
  Setting setting;
  CHECK_FALSE(setting.ask("bob", "fast"));
  fail_times(setting, 10, "bob", "10.0.0.1");
  CHECK(setting.ask("bob", "wrong") == too_many);
  CHECK_FALSE(setting.ask("bob", "fast"));
}

TEST_CASE("the same wrong password again and again is one failure") {
  Setting setting;
  for (int i = 0; i < 30; ++i) {
    CHECK(setting.ask("bob", "mistyped") == wrong);
    setting.clock.pass(10s);
  }
  CHECK(setting.bcrypts() == 30);
  CHECK_FALSE(setting.ask("bob", "fast"));
}

TEST_CASE("failures are forgotten after ten minutes") {
  Setting setting;
  fail_times(setting, 9, "bob", "10.0.0.1");
  setting.clock.pass(10min);
  fail_times(setting, 9, "bob", "10.0.0.1");
  CHECK_FALSE(setting.ask("bob", "fast"));
}

TEST_CASE("who asks the same at the same time shares one bcrypt") {
  Setting setting;
  setting.users = Htpasswd::parse(slow).value();
  const std::string password = GENERATE("slow", "wrong");
  std::barrier together(8);
  std::vector<std::jthread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      together.arrive_and_wait();
      if (setting.passwords.verify(setting.users, "slow", password, "10.0.0.1")) ++right;
    });
  threads.clear();
  CHECK(right == (password == "slow" ? 8 : 0));
  CHECK(setting.bcrypts() == 1);
  CHECK(setting.passwords.counts().hits == 7);
  CHECK(setting.passwords.counts().wrong == (password == "slow" ? 0 : 8));
}

TEST_CASE("who may leave waits without a thread for the bcrypt of another, however many they are") {
  PasswordLimits limits;
  limits.waiting = 0;
  Setting setting(limits);
  setting.users = Htpasswd::parse(slow).value();
  const std::string password = GENERATE("slow", "wrong");
  const auto ask = [&](Waiting& waiting) {
    return setting.passwords.verify(setting.users, "slow", password, "10.0.0.1", &waiting);
  };
  std::jthread first([&] { (void)setting.passwords.verify(setting.users, "slow", password, "10.0.0.1"); });
  while (setting.bcrypts() == 0) std::this_thread::yield();

  std::vector<Waiting> left(100);
  for (Waiting& waiting : left) {
    waiting.may_leave = true;
    CHECK_FALSE(ask(waiting));
    REQUIRE(waiting.awaited != nullptr);
  }
  CHECK(setting.passwords.counts().throttled == 0);
  Passwords others(setting.clock, setting.random);
  first.join();
  setting.clock.pass(1h); // nothing is remembered by now
  for (Waiting& waiting : left) {
    REQUIRE(waiting.awaited->is_over());
    waiting.ended = std::move(waiting.awaited);
    CHECK(ask(waiting).has_value() == (password == "slow"));
    CHECK(waiting.awaited == nullptr);
  }
  CHECK(setting.bcrypts() == 1);
  CHECK(setting.passwords.counts().hits == 100);

  // The outcome is that of this password, and of no other one.
  CHECK(setting.passwords.verify(setting.users, "slow", "else", "10.0.0.1", &left[0]).error().code == wrong);
  CHECK(setting.bcrypts() == 2);
  CHECK(others.verify(setting.users, "slow", "slow", "10.0.0.1", &left[0]).has_value());
  CHECK(others.counts().bcrypts == 1);
}

TEST_CASE("few compute at once, few wait, and the others are refused") {
  PasswordLimits limits;
  limits.bcrypts = 1;
  limits.waiting = GENERATE(0U, 2U);
  limits.free_failures = 100;
  Setting setting(limits);
  setting.users = Htpasswd::parse(slow).value();
  std::barrier together(8);
  std::vector<std::jthread> threads;
  std::atomic<unsigned> computed = 0, refused = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      together.arrive_and_wait();
      const auto outcome = setting.passwords.verify(setting.users, "slow", "wrong " + std::to_string(i), "");
      ++(is(outcome.error(), too_many) ? refused : computed);
    });
  threads.clear();
  CHECK(computed == limits.waiting + 1);
  CHECK(refused == 8 - computed);
  CHECK(setting.bcrypts() == computed);
  CHECK_FALSE(setting.ask("slow", "slow")); // all have left
}

TEST_CASE("nobody waits for ever for a turn") {
  PasswordLimits limits;
  limits.bcrypts = 1;
  limits.longest_wait = 1ms;
  Setting setting(limits);
  setting.users = Htpasswd::parse(slow).value();
  std::jthread other([&] { (void)setting.passwords.verify(setting.users, "slow", "slow", ""); });
  while (setting.bcrypts() == 0) std::this_thread::yield();
  CHECK(setting.ask("slow", "wrong") == too_many); // a turn of its own
  CHECK(setting.ask("slow", "slow") == too_many);  // the other's result
  other.join();
  CHECK_FALSE(setting.ask("slow", "slow"));
}

TEST_CASE("guesses that wait for their turn are refused once enough of them have failed") {
  PasswordLimits limits;
  limits.bcrypts = 1;
  limits.free_failures = 2;
  Setting setting(limits);
  std::vector<std::jthread> threads;
  std::barrier together(8);
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      together.arrive_and_wait();
      (void)setting.passwords.verify(setting.users, "bob", "guess " + std::to_string(i), "");
    });
  threads.clear();
  CHECK(setting.bcrypts() == 2);
  CHECK(setting.passwords.counts().throttled == 6);
}

namespace {

// A store that says what it is told to.
struct Elsewhere final : PasswordStore {
  std::string stamp_of(std::string_view) const override { return {}; }
  Result<Caller> check(std::string_view user, std::string_view) const override {
    ++asked;
    if (is_there) return Caller{.user = std::string(user), .stamp = "when it was asked", .groups = {"staff"}};
    return fail(Code::unavailable, "it is gone");
  }
  bool is_there = true;
  mutable int asked = 0;
};

} // namespace

TEST_CASE("what a store says of a user is remembered, and that it could not be asked is not") {
  Setting setting;
  Elsewhere store;
  const auto ask = [&](std::string_view password) {
    return setting.passwords.verify(store, "bob", password, "10.0.0.1");
  };
  store.is_there = false;
  for (int i = 0; i < 50; ++i) {
    const auto gone = ask("guess " + std::to_string(i % 2));
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == Code::unavailable);
    CHECK(gone.error().message == "it is gone");
  }
  CHECK(store.asked == 50);
  store.is_there = true;
  for (int i = 0; i < 3; ++i) {
    const auto caller = ask("guess 0");
    REQUIRE(caller);
    CHECK(caller->groups == std::vector<std::string>{"staff"});
    CHECK(caller->stamp == "when it was asked");
  }
  CHECK(store.asked == 51);
  CHECK(setting.passwords.counts().wrong == 0);
  CHECK(setting.passwords.counts().throttled == 0);
}
