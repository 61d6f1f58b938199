#include "auth/measured_access.h"

#include <catch2/catch.hpp>

#include <optional>

namespace berth::auth {
namespace {

class Fixed final : public AccessController {
public:
  std::expected<Grant, Refusal> authorize(const Question&) override {
    if (refusal) return std::unexpected(Refusal{{*refusal, {}, {}}});
    return Grant{};
  }
  std::optional<Code> refusal;
};

std::string counted(const MeasuredAccess& access) {
  std::string all;
  for (std::size_t kind = 0; kind < MeasuredAccess::kinds.size(); ++kind)
    for (std::size_t outcome = 0; outcome < MeasuredAccess::outcomes.size(); ++outcome)
      if (const auto count = access.count(kind, outcome))
        all += std::string(MeasuredAccess::kinds[kind]) + " " + std::string(MeasuredAccess::outcomes[outcome]) + " " +
               std::to_string(count) + "\n";
  return all;
}

TEST_CASE("decisions are counted by what was shown and by what became of it") {
  Fixed fixed;
  MeasuredAccess access(&fixed);
  const Caller caller{"alice"};
  const auto ask = [&](Credentials credentials) { access.authorize({.credentials = credentials}); };
  ask({});
  ask({.authorization = "basic QTpi"});
  ask({.authorization = "Bearer x"});
  ask({.authorization = "Digest x"});
  ask({.certificate = "pem"});
  ask({.authorization = "Basic QTpi", .certificate = "pem"});
  ask({.vouched = &caller});
  CHECK(counted(access) == "nothing allowed 1\nbasic allowed 2\nbearer allowed 1\ncertificate allowed 1\n"
                           "vouched allowed 1\nother allowed 1\n");
}

TEST_CASE("refusals are counted by their kind") {
  Fixed fixed;
  MeasuredAccess access(&fixed);
  for (const Code code : {Code::unauthorized, Code::denied, Code::too_many_requests, Code::unavailable, Code::io}) {
    fixed.refusal = code;
    access.authorize({});
  }
  CHECK(counted(access) == "nothing unauthorized 1\nnothing denied 1\nnothing throttled 1\nnothing unavailable 2\n");
}

} // namespace
} // namespace berth::auth
