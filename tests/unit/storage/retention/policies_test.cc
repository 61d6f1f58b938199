// Policies that are for nothing, or keep nothing, are refused.
#include "storage/retention/policies.h"

#include <catch2/catch.hpp>

#include "unit/storage/fixture.h"

using namespace berth;
using namespace berth::test;
using storage::KeepEntry;
using storage::RetentionPolicies;
using storage::RetentionPolicy;

namespace {

const std::string origin = "c.yml:7: berth.retention.policies[0]";

KeepEntry tags(std::vector<std::string> globs) { return {origin + ".keep[0]", std::move(globs), {}, {}, {}}; }

RetentionPolicy policy(std::vector<std::string> repositories, std::vector<KeepEntry> keep) {
  return {origin, std::move(repositories), std::move(keep), 1, {}};
}

std::string refusal_of(std::vector<RetentionPolicy> policies) {
  const auto made = RetentionPolicies::make(std::move(policies));
  if (made) return "";
  CHECK(made.error().code == Code::invalid);
  return made.error().message;
}

} // namespace

TEST_CASE("the first policy that fits a repository is for it") {
  const auto made =
      RetentionPolicies::make({policy({"ci/**"}, {tags({"v*"})}), policy({"ci/a", "team/*"}, {tags({"v*"})})});
  REQUIRE(made);
  CHECK(made->find(name("ci/a")) == 0);
  CHECK(made->find(name("team/a")) == 1);
  CHECK_FALSE(made->find(name("team/a/b")));
  CHECK_FALSE(made->find(name("ci")));
  CHECK_FALSE(made->asks_for_pulls());
  CHECK(RetentionPolicies().empty());
  auto pulled = policy({"a"}, {{origin, {}, {}, {}, std::chrono::hours(5)}});
  CHECK(RetentionPolicies::make({pulled}).value().asks_for_pulls());
}

TEST_CASE("a policy that is for nothing, or keeps nothing, is refused with its place") {
  CHECK(refusal_of({policy({"**"}, {tags({"v*"})})}).empty());
  CHECK(refusal_of({policy({}, {tags({"v*"})})}).starts_with(origin + ".repositories: (nothing): allowed is "));
  CHECK(refusal_of({policy({"A"}, {tags({"v*"})})}).starts_with(origin + ".repositories: \"A\": allowed is "));
  CHECK(refusal_of({policy({"{user}/**"}, {tags({"v*"})})}).contains("without {user}"));
  CHECK(refusal_of({policy({"a"}, {})}).starts_with(origin + ".keep: (nothing): allowed is a list of entries"));
  CHECK(refusal_of({policy({"a"}, {tags({})})}).starts_with(origin + ".keep[0].tags: (nothing): allowed is "));
  CHECK(refusal_of({policy({"a"}, {tags({"v*", "no tag"})})}).starts_with(origin + ".keep[0].tags: \"no tag\": "));
  CHECK(refusal_of({policy({"a"}, {{origin + ".keep[0]", {}, {}, {}, {}}})}).contains("one of them at least"));
  CHECK(refusal_of({policy({"x", "**"}, {tags({"v*"})}), policy({"a"}, {tags({"v*"})})})
            .contains("nothing after a policy for **"));
}
