#include "auth/token_access.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "auth/challenge.h"
#include "auth/jws.h"
#include "auth/scheme.h"
#include "model/digest.h"

namespace berth::auth {
namespace {

using std::chrono::sys_seconds;

constexpr std::size_t max_cached_tokens = 1'000;

// A path as Go's net/url writes it.
std::string percent_encoded(std::string_view path) {
  constexpr std::string_view plain = "-_.~$&+,/:;=@";
  std::string text = path.starts_with('/') ? "" : "/";
  for (const char c : path) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          plain.find(c) != std::string_view::npos;
    if (is_plain) {
      text += c;
      continue;
    }
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    ((text += '%') += digits[byte >> 4]) += digits[byte & 15];
  }
  return text;
}

Result<> check_algorithms(std::vector<std::string>& names) {
  if (names.empty()) names.assign(signature_algorithms.begin(), signature_algorithms.end());
  for (const std::string& name : names) {
    if (std::ranges::find(signature_algorithms, name) != signature_algorithms.end()) continue;
    std::string allowed;
    for (const std::string_view each : signature_algorithms) allowed.append(allowed.empty() ? "" : ", ").append(each);
    return fail(Code::invalid, "auth.token.signingalgorithms: \"" + name + "\" is none of " + allowed);
  }
  return {};
}

} // namespace

Result<std::unique_ptr<TokenAccess>> TokenAccess::make(Options options, Logger& logger) {
  for (const auto& [key, value] :
       {std::pair("realm", &options.realm), {"service", &options.service}, {"issuer", &options.issuer}})
    if (value->empty()) return fail(Code::invalid, std::string("auth.token.") + key + " is missing");
  if (options.bundle_path.empty() && options.jwks_path.empty())
    return fail(Code::invalid, "auth.token.rootcertbundle or auth.token.jwks is missing");
  BERTH_CHECK(check_algorithms(options.algorithms));
  if (options.auto_redirect_path.empty()) options.auto_redirect_path = "/auth/token";
  BERTH_TRY(auto files, open_key_files({options.bundle_path, options.jwks_path}, logger));
  return std::unique_ptr<TokenAccess>(new TokenAccess(std::move(options), std::move(files), logger));
}

TokenAccess::TokenAccess(Options options, std::unique_ptr<KeyFiles> files, Logger& logger)
    : options_(std::move(options)),
      files_(std::move(files)),
      logger_(logger),
      cache_(LruMap<std::string, VerifiedToken>(max_cached_tokens)) {}

std::expected<Grant, Refusal> TokenAccess::authorize(const Question& question) {
  const Credentials& credentials = question.credentials;
  const std::string_view token = bearer_token(credentials.authorization);
  if (token.empty() || credentials.vouched != nullptr) return std::unexpected(refusal(question, {}));
  auto known = verified(token, std::chrono::floor<std::chrono::seconds>(credentials.time));
  if (!known) {
    logger_.info("a token is refused", {{"reason", known.error().message}});
    return std::unexpected(refusal(question, "invalid_token"));
  }
  const VerifiedToken& holder = *known;
  for (const Access& access : question.needed)
    if (!holder->claims.allow(access.type, access.name, access.action)) {
      Refusal refused = refusal(question, "insufficient_scope");
      refused.user = holder->claims.subject;
      return std::unexpected(std::move(refused));
    }
  Grant grant{{holder->claims.subject}, [holder](const model::RepositoryName& name) {
                return holder->claims.allow("repository", name.str(), "pull");
              }};
  grant.good_until = std::min(holder->claims.expires, holder->until);
  return grant;
}

Result<TokenAccess::VerifiedToken> TokenAccess::verified(std::string_view token, sys_seconds now) {
  if (token.size() > max_token_bytes) return fail(Code::unauthorized, "longer than 16 KiB");
  auto keys = files_->current();
  const std::string id(model::CanonicalDigest::of_bytes(token).hex());
  VerifiedToken known = cache_.with([&](auto& cache) {
    const VerifiedToken* const found = cache.find(id);
    return found != nullptr ? *found : nullptr;
  });
  const bool is_known = known && known->keys == keys && known->from <= now && now < known->until;
  if (!is_known) {
    BERTH_TRY(Verified fresh, verify(token, std::move(keys), now));
    known = std::make_shared<const Verified>(std::move(fresh));
  }
  BERTH_CHECK(known->claims.check_time(now));
  if (!is_known) cache_.with([&](auto& cache) { cache.put(id, known); });
  return known;
}

Result<TokenAccess::Verified> TokenAccess::verify(std::string_view token, std::shared_ptr<const KeySet> keys,
                                                  sys_seconds now) const {
  BERTH_TRY(const Jws jws, Jws::parse(token));
  if (std::ranges::find(options_.algorithms, jws.algorithm) == options_.algorithms.end())
    return fail(Code::unauthorized, "alg is none of auth.token.signingalgorithms");
  BERTH_TRY(const DatedKey found, keys->find(jws, now));
  BERTH_CHECK(found.key.verify(jws.algorithm, jws.message, jws.signature));
  BERTH_TRY(TokenClaims claims, TokenClaims::parse(jws.payload, options_.issuer, options_.service));
  return Verified{std::move(keys), found.from, found.until, std::move(claims)};
}

Refusal TokenAccess::refusal(const Question& question, std::string_view error) const {
  const bool redirects = options_.auto_redirect && !question.origin.empty();
  const std::string realm =
      redirects ? std::string(question.origin) + percent_encoded(options_.auto_redirect_path) : options_.realm;
  return {{Code::unauthorized, {}, {}},
          bearer_challenge(realm, options_.service, question.needed, Grouping::by_resource, error)};
}

} // namespace berth::auth
