#include "auth/robots.h"

#include <catch2/catch.hpp>

#include "unit/auth/setting.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::auth;
using namespace berth::test;

namespace {

struct RobotSetting {
  void write(const Robots& robots) { directory.write("robots", robots_text(robots)); }
  RobotSource& source() {
    if (!made) made = RobotSource::make(directory.path() + "/robots", clock, log).value();
    return *made;
  }
  bool knows(std::string_view user, std::string_view password) {
    const auto answer = source().identify({user, password});
    return answer && answer->has_value();
  }

  TempDir directory;
  SetClock clock;
  KeptLog log;
  std::unique_ptr<RobotSource> made;
};

} // namespace

TEST_CASE("a robot's secret has a beginning that can be looked for, and a check") {
  SystemRandom random;
  const std::string secret = make_robot_secret(random);
  CHECK(secret.size() == 56);
  CHECK(secret.starts_with("berth_"));
  CHECK(is_robot_secret(secret));
  CHECK(secret != make_robot_secret(random));
  for (std::size_t at = 0; at < secret.size(); ++at) {
    std::string other = secret;
    other[at] = other[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(is_robot_secret(other));
  }
  CHECK_FALSE(is_robot_secret(""));
  // The check is zip's: that of "123456789" is cbf43926.
  CHECK(is_robot_secret("berth_" + std::string(43, 'A') + "_DKtuEw") == false);
}

TEST_CASE("a file of robots says what was written") {
  const Time now = parse_rfc3339("2026-01-02T03:04:05Z").value();
  const Robots robots{{"ci", {robot_hash("x"), now, now + std::chrono::hours(24), {{"push", "team/**"}}}},
                      {"reader", {robot_hash("y"), now, Time::max(), {}}}};
  CHECK(parse_robots(robots_text(robots)) == robots);
  CHECK(parse_robots(R"({"robots":[]})")->empty());
  for (const std::string_view broken :
       {"", "{}", "[]", R"({"robots":{}})", R"({"robots":[1]})", R"({"robots":[{"name":"ci"}]})",
        R"({"robots":[{"name":"CI","sha256":"","created":"2026-01-02T03:04:05Z"}]})"}) {
    CAPTURE(broken);
    CHECK(parse_robots(broken).error().code == Code::invalid);
  }
  std::string twice = robots_text(robots);
  twice.replace(twice.find("reader"), 6, "ci");
  CHECK_FALSE(parse_robots(twice));
  CHECK(check_robot_name("ci-2.x"));
  for (const std::string_view name : {"", "a/b", "CI", "a:b", "-a"}) CHECK_FALSE(check_robot_name(name));
  CHECK(parse_bound("push:team/**") == Bound{"push", "team/**"});
  for (const std::string_view bound : {"push", "fly:team/**", "push:", "push:UPPER/a", "pull:{user}/a"})
    CHECK(parse_bound(bound).error().code == Code::invalid);
}

TEST_CASE("a robot is known by its secret until it ends or is removed") {
  RobotSetting setting;
  SystemRandom random;
  const std::string secret = make_robot_secret(random), other = make_robot_secret(random);
  CHECK_FALSE(setting.knows("robot:ci", secret)); // no file is no robots
  Robots robots{
      {"ci",
       {robot_hash(secret), setting.clock.now(), setting.clock.now() + std::chrono::hours(24), {{"push", "team/**"}}}}};
  setting.write(robots);
  CHECK(setting.knows("robot:ci", secret));
  CHECK(setting.knows("robot", "ci:" + secret)); // as Basic splits it
  CHECK_FALSE(setting.knows("robot:ci", other));
  CHECK_FALSE(setting.knows("robot:cj", secret));
  CHECK_FALSE(setting.knows("robot", "cj:" + secret));
  for (const auto& [user, password] : std::vector<std::pair<std::string, std::string>>{
           {"alice", secret}, {"", secret}, {"robot", "a password"}, {"robot", "a:password"}, {"robots:ci", secret}})
    CHECK_FALSE(setting.source().identify({user, password}).has_value()); // another source's
  CHECK(setting.source().identify({"robot:ci", "a password"}).has_value());

  const Caller caller = **setting.source().identify({"robot:ci", secret});
  CHECK(caller.user == "robot:ci");
  CHECK(caller.kind == Caller::Kind::robot);
  CHECK(caller.bounds == std::vector<Bound>{{"push", "team/**"}});
  CHECK(setting.source().is_current(caller) == true);
  CHECK(setting.source().is_current(Caller{"alice", "s"}) == std::nullopt);
  robots["ci"].may.clear();
  setting.write(robots);
  CHECK(setting.source().is_current(caller) == false);
  robots["ci"].may = {{"push", "team/**"}};
  setting.write(robots);
  CHECK(setting.source().is_current(caller) == true);
  setting.clock.pass(std::chrono::hours(24));
  CHECK(setting.source().is_current(caller) == false);
  CHECK_FALSE(setting.knows("robot:ci", secret));
  setting.write({});
  CHECK(setting.source().is_current(caller) == false);
  for (const std::string& line : setting.log.take()) CHECK(line.find(secret) == std::string::npos);
}
