// saslauthd, played by the test, and what is remembered of it; the texts that go to an LDAP directory.
#include "auth/directory_source.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>

#include <thread>

#include "auth/ldap_directory.h"
#include "auth/saslauthd.h"
#include "base/guarded.h"
#include "base/unique_fd.h"
#include "unit/auth/setting.h"
#include "unit/temp_dir.h"

namespace berth::auth {
namespace {

using namespace std::chrono_literals;

// Reads a question of four texts, and answers as the test says.
class Daemon {
public:
  explicit Daemon(std::string answer, std::size_t texts = 4)
      : answer_(std::move(answer)), texts_(texts), listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 8) == 0);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  std::string path() const { return folder_.path() + "/mux"; }
  // Each as "text|text|text|text".
  std::vector<std::string> questions() {
    return asked_.with([](auto& asked) { return std::exchange(asked, {}); });
  }

private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd one{listener_.get(), POLLIN, 0};
      if (::poll(&one, 1, 20) <= 0) continue;
      const UniqueFd peer(::accept(listener_.get(), nullptr, nullptr));
      std::string question;
      for (std::size_t i = 0; i < texts_; ++i) question += (i == 0 ? "" : "|") + text_from(peer.get());
      asked_.with([&](auto& asked) { asked.push_back(question); });
      (void)!::write(peer.get(), answer_.data(), answer_.size());
      if (!answer_.empty()) continue;
      while (!stop.stop_requested() && ::poll(&(one = {peer.get(), POLLIN, 0}), 1, 20) == 0) continue; // keeps silent
    }
  }
  static std::string text_from(int peer) {
    unsigned char size[2]{};
    (void)!::recv(peer, size, 2, MSG_WAITALL);
    std::string text(size[0] * 256U + size[1], '\0');
    if (!text.empty()) (void)!::recv(peer, text.data(), text.size(), MSG_WAITALL);
    return text;
  }

  const test::TempDir folder_;
  const std::string answer_;
  const std::size_t texts_;
  UniqueFd listener_;
  Guarded<std::vector<std::string>> asked_;
  std::jthread thread_; // the last member: it uses the others
};

std::string framed(std::string_view text) {
  std::string bytes{static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 0xff)};
  return bytes.append(text);
}

struct Setting {
  explicit Setting(const std::string& socket)
      : source({"saslauthd"}, std::make_unique<Saslauthd>(Saslauthd::Options{.socket = socket, .timeout = 300ms}),
               clock, random, log) {}

  std::string ask(std::string_view user, std::string_view password) {
    const auto caller =
        source.identify({.user = user, .password = password, .address = "10.0.0.1", .time = clock.now()});
    if (!caller.has_value()) return "not its";
    if (caller->has_value()) return "yes: " + (*caller)->user;
    CHECK((*caller).error().message.find("secret") == std::string::npos);
    switch ((*caller).error().code) {
    case Code::unauthorized: return "no";
    case Code::unavailable: return "unavailable";
    default: return "another error";
    }
  }

  test::SetClock clock;
  SystemRandom random;
  test::KeptLog log;
  DirectorySource source;
};

} // namespace

TEST_CASE("saslauthd is asked, and its yes remembered for five minutes") {
  Daemon daemon(framed("OK"));
  Setting setting(daemon.path());
  for (int i = 0; i < 3; ++i) CHECK(setting.ask("alice", "secret: ü") == "yes: alice");
  CHECK(daemon.questions() == std::vector<std::string>{"alice|secret: ü|berth|"});
  setting.clock.pass(299s);
  CHECK(setting.ask("alice", "secret: ü") == "yes: alice");
  CHECK(daemon.questions().empty());
  setting.clock.pass(1s);
  CHECK(setting.ask("alice", "secret: ü") == "yes: alice");
  CHECK(daemon.questions().size() == 1);
}

TEST_CASE("saslauthd's no is one, with and without a reason") {
  for (const char* answer : {"NO", "NO wrong password"}) {
    Daemon daemon(framed(answer));
    Setting setting(daemon.path());
    CHECK(setting.ask("alice", "secret") == "no");
    CHECK(setting.log.take().empty());
  }
}

TEST_CASE("what saslauthd need not be asked, or must not be") {
  Daemon daemon(framed("OK"));
  Setting setting(daemon.path());
  CHECK(setting.ask("alice", "") == "no");
  CHECK(setting.ask("alice", std::string_view("secret\0", 7)) == "no");
  CHECK(setting.ask("alice", std::string(256, 'x')) == "no");
  for (const std::string& user : {std::string(), std::string("robot:ci"), std::string("a\nb"), std::string("a\x7f"),
                                  std::string("\xff"), std::string("\xc0\xaf"), std::string(256, 'x')})
    CHECK(setting.ask(user, "secret") == "not its");
  CHECK(daemon.questions().empty());
  CHECK(setting.ask(std::string(255, 'x'), std::string(255, 'y')) == "yes: " + std::string(255, 'x'));
}

TEST_CASE("a saslauthd that is gone, silent or strange cannot be asked; that is logged once, and is nobody's failure") {
  const std::string gone = "/nonexistent/mux";
  Setting setting(gone);
  for (int i = 0; i < 30; ++i) CHECK(setting.ask("alice", "secret " + std::to_string(i)) == "unavailable");
  CHECK(setting.log.take() ==
        std::vector<std::string>{"error: logins: who knows the users cannot be asked source=saslauthd "
                                 "error=saslauthd: connect: No such file or directory"});
  for (const std::string& answer : {std::string(), std::string("\0", 1), framed("MAYBE"), framed(""), framed("N")}) {
    Daemon daemon(answer);
    Setting other(daemon.path());
    CHECK(other.ask("alice", "secret") == "unavailable");
  }
}

TEST_CASE("whom saslauthd vouched for is current for five minutes and the life of a token") {
  Daemon daemon(framed("OK"));
  Setting setting(daemon.path()), another(daemon.path()); // pool
  const Caller caller =
      setting.source.identify({.user = "alice", .password = "secret", .time = setting.clock.now()})->value();
  for (Setting* pool : {&setting, &another}) {
    CHECK(pool->source.is_current(caller) == true);
    pool->clock.pass(5min + 899s);
    CHECK(pool->source.is_current(caller) == true);
    pool->clock.pass(1s);
    CHECK(pool->source.is_current(caller) == false);
    pool->clock.pass(-2h);
    CHECK(pool->source.is_current(caller) == false); // vouched for in the future
  }
  Caller other = caller;
  for (const char* stamp : {"", "0123456789abcdef", "ldap@1", "saslauthd"}) {
    other.stamp = stamp;
    CHECK_FALSE(setting.source.is_current(other).has_value());
  }
  for (const char* stamp : {"saslauthd@", "saslauthd@1x", "saslauthd@99999999999999999999"}) {
    other.stamp = stamp;
    CHECK(setting.source.is_current(other) == false);
  }
}

TEST_CASE("a name is escaped in a filter") {
  CHECK(escape_filter_value("alice.b-c_d@e f1") == "alice.b-c_d@e f1");
  CHECK(escape_filter_value("*") == "\\2a");
  CHECK(escape_filter_value("a)(uid=*))(|(uid=*") == "a\\29\\28uid\\3d\\2a\\29\\29\\28\\7c\\28uid\\3d\\2a");
  CHECK(escape_filter_value(std::string_view("\\\0ü", 4)) == "\\5c\\00\\c3\\bc");
}

TEST_CASE("a directory that cannot be asked so is refused at the start") {
  const auto complaint = [](LdapDirectory::Options options) {
    const auto made = LdapDirectory::make(std::move(options));
    return made ? std::string("none") : made.error().message;
  };
  CHECK(complaint({.url = "ldap://localhost", .base = "dc=x"}) == "none");
  CHECK(complaint({.url = "http://localhost", .base = "dc=x"}).starts_with("berth.access.ldap.url: "));
  CHECK(complaint({.url = "ldaps://localhost", .start_tls = true, .base = "dc=x"})
            .starts_with("berth.access.ldap.starttls: "));
  CHECK(complaint({.url = "ldap://localhost", .base = ""}).starts_with("berth.access.ldap.base: "));
  CHECK(complaint({.url = "ldap://localhost", .base = "dc=x", .filter = "(uid=user)"})
            .starts_with("berth.access.ldap.filter: "));
  CHECK(complaint({.url = "ldap://localhost", .bind_dn = "cn=x", .base = "dc=x"})
            .starts_with("berth.access.ldap.binddn: "));
}

} // namespace berth::auth
