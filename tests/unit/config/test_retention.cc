// berth.retention and berth.protected: half a policy is refused, as it would remove more than its author meant.
#include <catch2/catch.hpp>

#include "config/config.h"
#include "unit/config/loading.h"

using namespace berth;
using namespace berth::config;
using std::chrono::hours;

namespace {

const std::string policy = "berth:\n  retention:\n    policies:\n      - repositories: [ci/**]\n"; // lines 4 to 7

std::string refusal(const std::string& rest) { return refusal_of(policy + rest); }
std::string refusal_of_entry(const std::string& entry) { return refusal("        keep:\n          - " + entry + "\n"); }

} // namespace

TEST_CASE("retention is off until it is asked for, and its policies are read") {
  const Retention usual = config_of("").berth.retention;
  CHECK_FALSE(usual.enabled);
  CHECK((usual.interval == hours(24) && usual.limit == 50 && usual.policies.empty()));
  const Config config = config_of("berth:\n"
                                  "  collection: {enabled: true}\n"
                                  "  protected: [{repositories: [prod/**], tags: ['v*']}]\n"
                                  "  retention:\n"
                                  "    enabled: true\n"
                                  "    interval: 12h\n"
                                  "    limit: 100%\n"
                                  "    policies:\n"
                                  "      - repositories: [ci/**, test]\n"
                                  "        keep:\n"
                                  "          - {tags: ['v*', latest]}\n"
                                  "          - {tags: dev, newest: 3, pushed: 100h}\n"
                                  "          - {pulled: 720h}\n"
                                  "        minimum: 2\n"
                                  "        untagged: 168h\n"
                                  "      - repositories: ['**']\n"
                                  "        keep: [{newest: 1}]\n"
                                  "        untagged: never\n"
                                  "      - {repositories: x, keep: [{newest: 1}]}\n");
  REQUIRE(config.berth.protected_tags.size() == 1);
  CHECK(config.berth.protected_tags[0].origin == "config.yml:6");
  const Retention& set = config.berth.retention;
  CHECK((set.enabled && set.interval == hours(12) && set.limit == 100));
  REQUIRE(set.policies.size() == 3);
  const Retention::Policy& first = set.policies[0];
  CHECK(first.origin == "config.yml:12");
  CHECK(first.repositories == std::vector<std::string>{"ci/**", "test"});
  CHECK(first.minimum == 2);
  CHECK((first.untagged && *first.untagged == hours(168)));
  REQUIRE(first.keep.size() == 3);
  CHECK(first.keep[0].tags == std::vector<std::string>{"v*", "latest"});
  CHECK_FALSE((first.keep[0].newest || first.keep[0].pushed || first.keep[0].pulled));
  CHECK(first.keep[1].origin == "config.yml:15");
  CHECK((first.keep[1].newest == 3 && first.keep[1].pushed == hours(100)));
  CHECK((!first.keep[2].tags && first.keep[2].pulled == hours(720)));
  CHECK((set.policies[1].untagged && !*set.policies[1].untagged));
  CHECK((!set.policies[2].untagged && set.policies[2].minimum == 1));
}

TEST_CASE("an entry of a policy that is not wholly understood is refused, with its line") {
  CHECK(refusal_of_entry("{pushed: 100}") ==
        "config.yml:9: berth.retention.policies[0].keep[0].pushed: \"100\": allowed is a time with its unit, of at "
        "least 1h, as in 24h");
  CHECK(refusal_of_entry("{pulled: 30m}").contains(".keep[0].pulled: \"30m\": allowed is "));
  CHECK(refusal_of_entry("{newest: 0}").contains(".keep[0].newest: \"0\": allowed is a whole number from 1 "));
  CHECK(refusal_of_entry("{newest: some}").contains(".keep[0].newest: \"some\""));
  CHECK(refusal_of_entry("{tags: {a: b}}").contains(".keep[0].tags: (a map): allowed is a list"));
  CHECK(
      refusal_of_entry("{pushedwithin: 1h}") ==
      "config.yml:9: berth.retention.policies[0].keep[0].pushedwithin: no such key: allowed are tags, newest, pushed, "
      "pulled");
  CHECK(refusal_of_entry("v1").contains(".keep[0]: \"v1\": allowed is a map of tags"));
  CHECK(refusal("        keep: all\n").contains(".policies[0].keep: \"all\": allowed is a list of maps"));
  CHECK(refusal("        keep: [{newest: 1}]\n") == "loaded");
}

TEST_CASE("a policy with a key that is none is refused") {
  CHECK(refusal("        minimun: 3\n") ==
        "config.yml:8: berth.retention.policies[0].minimun: no such key: allowed are repositories, keep, minimum, "
        "untagged");
  CHECK(refusal("        untagged: 3\n").contains("untagged: \"3\": allowed is never, or a time with its unit"));
  CHECK(refusal_of("berth: {retention: {limt: 10%}}\n").contains("berth.retention.limt: no such key: allowed are "));
  for (const char* wrong : {"50", "0%", "101%", "%", "half"})
    CHECK(refusal_of(std::string("berth: {retention: {limit: '") + wrong + "'}}\n")
              .contains("allowed is a share with its %, from 1% to 100%"));
}

TEST_CASE("retention that nothing would carry out is refused") {
  CHECK(refusal_of("berth: {retention: {enabled: true}}\n")
            .starts_with(
                "config.yml:4: berth.retention.enabled: \"true\": allowed is true with berth.retention.policies"));
  CHECK(refusal_of("berth: {retention: {enabled: true, policies: [{repositories: a, keep: [{newest: 1}]}]}}\n")
            .contains("true with berth.collection.enabled"));
}
