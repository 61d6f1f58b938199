// Tokens of the built-in token service. A line for each text: a token, and the payload of another that is signed as if
// it were ours.
#include "auth/own_token.h"
#include "auth/caller_text.h"
#include "fuzz/oracle.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

constexpr std::chrono::sys_seconds now{std::chrono::seconds(1'800'000'000)};

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auth::OwnTokens tokens("secret");
  std::string_view input = text_of(bytes, size);

  // Nobody here has the key.
  const auto read = tokens.read(take_line(input), auth::OwnToken::Use::access, now);
  require(!read && is(read.error(), Code::unauthorized) && !read.error().message.empty());

  const auto caller = auth::read_caller(input);
  if (!caller) {
    require(is(caller.error(), Code::unauthorized));
    return 0;
  }
  const auto again = auth::read_caller(auth::caller_text(*caller));
  require(again && again->user == caller->user && again->stamp == caller->stamp && again->kind == caller->kind &&
          again->bounds == caller->bounds && again->claims == caller->claims);

  const auth::OwnToken token{auth::OwnToken::Use::access,
                             *caller,
                             {{"repository", std::string(input), "pull"}},
                             now,
                             now + std::chrono::seconds(60)};
  const auto signed_text = tokens.sign(token);
  if (!signed_text) return 0; // too long
  const auto ours = tokens.read(*signed_text, auth::OwnToken::Use::access, now);
  require(ours && ours->caller.user == caller->user && ours->scopes == token.scopes);
  require(!tokens.read(*signed_text, auth::OwnToken::Use::refresh, now) &&
          !tokens.read(*signed_text, auth::OwnToken::Use::access, token.expires));
  return 0;
}
