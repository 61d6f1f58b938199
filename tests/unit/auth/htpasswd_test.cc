#include "auth/htpasswd.h"

#include <nlohmann/json.hpp>

#include <catch2/catch.hpp>

#include <fstream>

#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::auth;

namespace {

const std::string vectors = std::string(BERTH_SOURCE_DIR) + "/tests/unit/auth/vectors/";
const std::string hash_of_secret = "$2y$05$berthVECTORSALT012345uJ/QsPcT.E0bMGXgqU5yYjRk8DSSTLnu";

bool is_right(const Htpasswd& users, std::string_view user, std::string_view password) {
  return users.is_right(users.find(user), password);
}

Htpasswd parsed(std::string_view text) { return Htpasswd::parse(text).value(); }

class CountingRandom final : public Random {
public:
  void fill(std::span<std::byte> bytes) override {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(next_++);
  }

private:
  unsigned next_ = 0;
};

} // namespace

TEST_CASE("every login of the vectors is judged as docker/distribution judges it") {
  const Htpasswd users = parsed(test::read_whole(vectors + "htpasswd"));
  const auto cases = nlohmann::json::parse(std::ifstream(vectors + "htpasswd-cases.json"));
  REQUIRE(cases.size() == 40);
  for (const auto& login : cases) {
    INFO(login.dump());
    CHECK(is_right(users, login["user"].get<std::string>(), login["password"].get<std::string>()) ==
          (login["berth"] == "accept"));
  }
}

TEST_CASE("a line without a colon is refused by its number, and nothing of it is told") {
  const auto refused = Htpasswd::parse("# users\nalice:" + hash_of_secret + "\n\nhunter2\nbob:x\n");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::invalid);
  CHECK(refused.error().message == "line 4 has no colon between user and hash");
}

TEST_CASE("a line of blanks alone or without an end is nothing special") {
  const Htpasswd users = parsed("\n \t\r\nalice:" + hash_of_secret);
  CHECK(users.size() == 1);
  CHECK(is_right(users, "alice", "secret"));
}

TEST_CASE("what is almost a bcrypt hash is never right") {
  for (const std::size_t at : {0, 1, 2, 3, 4, 5, 6, 30, 59}) {
    std::string hash = hash_of_secret;
    hash[at] = '!';
    INFO(hash);
    const Htpasswd users = parsed("alice:" + hash);
    CHECK(users.find("alice")->hash.empty());
    CHECK_FALSE(is_right(users, "alice", "secret"));
  }
  for (const std::string cost : {"03", "32", "00", "99"})
    CHECK(parsed("alice:$2y$" + cost + hash_of_secret.substr(6)).find("alice")->hash.empty());
}

TEST_CASE("a NUL counts among the first 72 bytes, and so does nothing after them") {
  const Htpasswd users = parsed(test::read_whole(vectors + "htpasswd"));
  CHECK(is_right(users, "seventytwo", std::string(72, 'a') + std::string(1, '\0') + std::string(600, 'b')));
  CHECK_FALSE(is_right(users, "nul", std::string("abc\0", 4)));
}

TEST_CASE("a stamp is the same in every process, and changes with user and hash") {
  const std::string stamp = parsed("alice:" + hash_of_secret).find("alice")->stamp;
  CHECK(stamp == "cd82d7cc37a8172d4e19f3ab308d5aec");
  CHECK(parsed("bob:" + hash_of_secret).find("bob")->stamp != stamp);
  CHECK(parsed("alice:x" + hash_of_secret).find("alice")->stamp != stamp);
  CHECK(parsed("alice:x").find("alice")->stamp != parsed("alice:y").find("alice")->stamp);
}

TEST_CASE("an unknown user, and one with another kind of hash, take the time of the slowest") {
  const Htpasswd users = parsed("fast:$2y$04$berthVECTORSALT012345ud23ItC5rlf3Y0vGoTZ/ZmEpWl1iX83i\n"
                                "slow:$2y$10$berthVECTORSALT012345ulmXt7E/JUQ8v2DQurmk0rPZh6gwKVH2\nplain:secret\n");
  const auto took = [&](std::string_view user) {
    timespec begin{}, end{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    CHECK_FALSE(is_right(users, user, "wrong"));
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return static_cast<double>(end.tv_sec - begin.tv_sec) * 1e9 + static_cast<double>(end.tv_nsec - begin.tv_nsec);
  };
  const double slow = took("slow");
  for (const std::string_view user : {"unknown", "plain"}) {
    INFO(user);
    CHECK(took(user) > slow / 3); // the cost below is a sixty-fourth of it
    CHECK(took(user) < slow * 3);
  }
}

TEST_CASE("a line that was made lets its password in, and no other") {
  CountingRandom random;
  const auto line = htpasswd_line("žofie b", "pässwörd", 4, random);
  REQUIRE(line);
  CHECK(line->starts_with("žofie b:$2y$04$"));
  const Htpasswd users = parsed(*line + "\n");
  CHECK(is_right(users, "žofie b", "pässwörd"));
  CHECK_FALSE(is_right(users, "žofie b", "password"));
  CHECK(htpasswd_line("žofie b", "pässwörd", 4, random).value() != *line); // another salt
  CHECK(htpasswd_line("u", "p", default_bcrypt_cost, random).value().starts_with("u:$2y$10$"));
}

TEST_CASE("no line is made that could not be read or used") {
  CountingRandom random;
  for (const std::string user : {"", "a:b", "#a", " a", "a ", "a\nb", "a\rb", "a\x7f"}) {
    INFO(user);
    CHECK(htpasswd_line(user, "p", 4, random).error().code == Code::invalid);
  }
  CHECK_FALSE(htpasswd_line(std::string(256, 'u'), "p", 4, random));
  CHECK(htpasswd_line(std::string(255, 'u'), std::string(72, 'p'), 4, random));
  for (const std::string& password : {std::string(), std::string(73, 'p'), std::string("a\0b", 3)})
    CHECK(htpasswd_line("u", password, 4, random).error().code == Code::invalid);
  for (const int cost : {3, 18, -1}) CHECK(htpasswd_line("u", "p", cost, random).error().code == Code::invalid);
}
