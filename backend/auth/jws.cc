#include "auth/jws.h"

#include <algorithm>

#include "model/jose_base64.h"

namespace berth::auth {
namespace {

std::unexpected<Error> refused(std::string why) { return fail(Code::unauthorized, std::move(why)); }

} // namespace

Result<std::string> from_strict_base64url(std::string_view text) {
  auto bytes = model::from_jose_base64(text);
  // The one spelling: no blanks, no padding, no bits left over.
  if (!bytes || model::to_jose_base64(*bytes) != text) return fail(Code::invalid, "not base64url without padding");
  return bytes;
}

Result<Jws> Jws::parse(std::string_view token) {
  if (token.size() > max_token_bytes) return refused("longer than 16 KiB");
  if (std::ranges::count(token, '.') != 2) return refused("not three parts");
  const std::size_t first = token.find('.'), second = token.rfind('.');
  const auto header = from_strict_base64url(token.substr(0, first));
  auto payload = from_strict_base64url(token.substr(first + 1, second - first - 1));
  auto signature = from_strict_base64url(token.substr(second + 1));
  if (!header || !payload || !signature) return refused("a part is not base64url without padding");
  auto json = model::parse_json(*header, model::Duplicates::refused);
  if (!json) return refused("the header: " + json.error().detail);
  if (json->contains("crit")) return refused("the header demands an extension (crit)");
  auto algorithm = model::string_member(*json, "alg");
  if (!algorithm) return refused("the header: " + algorithm.error().detail);
  return Jws{*std::move(json), *std::move(algorithm), token.substr(0, second), *std::move(payload),
             *std::move(signature)};
}

} // namespace berth::auth
