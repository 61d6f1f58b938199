#include "auth/issuer_keys.h"

#include <utility>

#include "model/json_text.h"

namespace berth::auth {
namespace {

using namespace std::chrono_literals;

constexpr Time::duration longest_use = 1h;       // without asking again
constexpr Time::duration between_fetches = 1min; // at least
constexpr Time::duration between_first = 10s;    // as long as there are no keys

// Of https anywhere, of http on this host.
bool is_fetchable(std::string_view url) {
  if (url.starts_with("https://")) return true;
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return false;
  url.remove_prefix(scheme.size());
  const std::string_view authority = url.substr(0, url.find_first_of("/?#\\"));
  for (const std::string_view host : {"127.0.0.1", "localhost", "[::1]"}) {
    if (!authority.starts_with(host)) continue;
    const std::string_view rest = authority.substr(host.size()); // nothing, or a port
    if (rest.empty() || (rest.front() == ':' && rest.find_first_not_of("0123456789", 1) == std::string_view::npos))
      return true;
  }
  return false;
}

std::string discovery_url(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return std::string(issuer) + "/.well-known/openid-configuration";
}

// Where the issuer's configuration says that its keys are.
Result<std::string> keys_url(std::string_view document, const std::string& issuer) {
  const auto json = model::parse_json(document, model::Duplicates::refused);
  if (!json) return fail(Code::invalid, "its OpenID configuration: " + json.error().detail);
  const auto stated = model::string_member(*json, "issuer"), keys = model::string_member(*json, "jwks_uri");
  if (!stated || *stated != issuer) return fail(Code::invalid, "its OpenID configuration is of another issuer");
  if (!keys || !is_fetchable(*keys))
    return fail(Code::invalid, "its OpenID configuration has no jwks_uri that is of https");
  return *keys;
}

} // namespace

Result<std::unique_ptr<IssuerKeys>> IssuerKeys::make(Options options, Fetch fetch, const Clock& clock, Logger& logger) {
  const std::string key = "berth.access.issuers." + options.name;
  std::unique_ptr<KeyFiles> file;
  if (options.jwks.starts_with('/')) {
    BERTH_TRY(file, open_key_files({.bundle = {}, .jwks = options.jwks, .jwks_key = key + ".jwks"}, logger));
  } else if (const std::string& url = options.jwks.empty() ? options.url : options.jwks; !is_fetchable(url)) {
    return fail(Code::invalid, key + (options.jwks.empty() ? ".url: " : ".jwks: ") + model::json_quote(url) +
                                   " is none that keys are fetched from; allowed is https, http on this host alone, "
                                   "and for jwks an absolute path");
  }
  return std::unique_ptr<IssuerKeys>(
      new IssuerKeys(std::move(options), std::move(file), std::move(fetch), clock, logger));
}

Result<DatedKey> IssuerKeys::find(const Jws& token, std::chrono::sys_seconds now, Waiting* waiting) {
  if (file_ != nullptr) return file_->current()->find(token, now);
  Keys keys = known();
  if (keys != nullptr)
    if (auto key = keys->find(token, now)) return key;
  keys = refreshed(keys, waiting);
  if (keys == nullptr) return fail(Code::unavailable, "the keys of " + options_.name + " cannot be had now");
  return keys->find(token, now);
}

// Those that may be used without a fetch; null: there are none, or they are too old and nobody asks for others yet.
IssuerKeys::Keys IssuerKeys::known() {
  const Time now = clock_.now();
  const std::lock_guard lock(mutex_);
  const bool is_fresh = now >= state_.taken && now - state_.taken < longest_use;
  const bool was_tried = now >= state_.tried && now - state_.tried < between_fetches;
  return is_fresh || was_tried || state_.is_fetching ? state_.keys : nullptr;
}

// Those that are there after a fetch, or without one if it is too early for it.
IssuerKeys::Keys IssuerKeys::refreshed(const Keys& seen, Waiting* waiting) {
  const auto settled = [&]() -> std::optional<Keys> {
    const Time now = clock_.now();
    const std::lock_guard lock(mutex_);
    if (seen != nullptr && state_.keys != seen) return state_.keys; // somebody else has fetched them meanwhile
    const Time::duration pause = state_.keys == nullptr ? between_first : between_fetches;
    if (now >= state_.tried && now - state_.tried < pause) return state_.keys;
    return std::nullopt;
  };
  if (auto keys = settled()) return *keys;
  if (waiting != nullptr) waiting->will_take_long();
  const std::lock_guard fetching(fetching_);
  if (auto keys = settled()) return *keys;
  {
    const std::lock_guard lock(mutex_);
    state_.is_fetching = true;
  }
  take(fetched());
  const std::lock_guard lock(mutex_);
  return state_.keys;
}

Result<KeySet> IssuerKeys::fetched() const {
  std::string url = options_.jwks;
  if (url.empty()) {
    BERTH_TRY(const std::string document, fetch_(discovery_url(options_.url)));
    BERTH_TRY(url, keys_url(document, options_.url));
  }
  BERTH_TRY(const std::string text, fetch_(url));
  KeySet keys;
  BERTH_CHECK(keys.add_jwks(text));
  return keys;
}

void IssuerKeys::take(Result<KeySet> keys) {
  std::unique_lock lock(mutex_);
  state_.tried = clock_.now();
  state_.is_fetching = false;
  const bool are_fetched = keys.has_value(), has_keys = are_fetched || state_.keys != nullptr;
  const bool is_news = std::exchange(state_.reachable, are_fetched) != are_fetched;
  const std::string why_not = are_fetched ? "" : keys.error().message;
  if (are_fetched) {
    state_.keys = std::make_shared<const KeySet>(*std::move(keys));
    state_.taken = state_.tried;
  }
  lock.unlock();
  if (!is_news) return;
  if (are_fetched)
    logger_.info("the keys of an issuer of tokens can be fetched again", {{"issuer", options_.name}});
  else
    logger_.error(has_keys
                      ? "the keys of an issuer of tokens cannot be fetched; those that are known stay in force"
                      : "the keys of an issuer of tokens cannot be fetched; its tokens are not accepted until then",
                  {{"issuer", options_.name}, {"error", why_not}});
}

} // namespace berth::auth
