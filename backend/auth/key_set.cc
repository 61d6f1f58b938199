#include "auth/key_set.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "auth/openssl_owned.h"
#include "model/json_text.h"

namespace berth::auth {
namespace {

constexpr std::size_t max_shown_id = 80;

std::unexpected<Error> refused(std::string why) { return fail(Code::unauthorized, std::move(why)); }
std::unexpected<Error> broken(std::string why) { return fail(Code::invalid, std::move(why)); }

// One block of a PEM text at a time.
class PemReader {
public:
  explicit PemReader(std::string_view text) : bio_(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))) {}

  // Whether there was a block. Errors: invalid for one that is broken.
  Result<bool> next() {
    char *name = nullptr, *header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    const bool read = bio_ && PEM_read_bio(bio_.get(), &name, &header, &data, &size) == 1;
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!read) return at_end ? Result<bool>(false) : broken("a PEM block that is broken");
    name_ = name;
    data_.assign(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size)); // may be a private key
    return true;
  }
  const std::string& name() const { return name_; }
  const std::string& data() const { return data_; }

private:
  Owned<BIO, BIO_free_all> bio_;
  std::string name_, data_;
};

} // namespace

Result<> KeySet::add(const std::string& id, const TokenKey& key) {
  const auto [entry, added] = by_id_.emplace(id, key);
  if (!added && entry->second.thumbprint() != key.thumbprint())
    return broken("two keys with the id " + model::json_quote(id));
  by_thumbprint_.emplace(key.thumbprint(), key);
  return {};
}

Result<> KeySet::add_bundle(std::string_view pem) {
  PemReader blocks(pem);
  int certificates = 0;
  while (true) {
    BERTH_TRY(const bool more, blocks.next());
    if (!more) break;
    if (blocks.name() != "CERTIFICATE") continue;
    const std::string which = "certificate " + std::to_string(++certificates) + ": ";
    const auto key = TokenKey::from_certificate(blocks.data());
    if (!key) return broken(which + key.error().message);
    if (!roots_.add(blocks.data())) return broken(which + "OpenSSL does not take it");
    for (const std::string& id : key->ids()) BERTH_CHECK(add(id, *key));
  }
  if (certificates == 0) return broken("no certificate in PEM");
  return {};
}

Result<> KeySet::add_jwks(std::string_view json) {
  const auto document = model::parse_json(json, model::Duplicates::refused);
  if (!document) return broken(document.error().detail);
  const auto keys = document->find("keys");
  if (keys == document->end() || !keys->is_array()) return broken("no list \"keys\"");
  int taken = 0, number = 0;
  for (const model::Json& jwk : *keys) {
    const std::string which = "key " + std::to_string(++number) + ": ";
    if (!jwk.is_object()) return broken(which + "not an object");
    const auto id = model::string_member(jwk, "kid"), use = model::string_member(jwk, "use");
    if (!id || !use) return broken(which + "kid or use is not a string");
    if (!use->empty() && *use != "sig") continue;
    const auto key = TokenKey::from_jwk(jwk);
    if (!key && is(key.error(), Code::unsupported)) continue;
    if (!key) return broken(which + key.error().message);
    BERTH_CHECK(add(id->empty() ? key->thumbprint() : *id, *key));
    ++taken;
  }
  if (taken == 0) return broken("no key that could sign a token");
  return {};
}

Result<DatedKey> KeySet::find(const Jws& token, std::chrono::sys_seconds now) const {
  const auto x5c = token.header.find("x5c");
  const bool is_empty = x5c == token.header.end() || x5c->is_null() || (x5c->is_array() && x5c->empty());
  if (!is_empty) return roots_.verify(*x5c, now);
  if (model::has_value(token.header, "jwk")) {
    const model::Json& jwk = token.header["jwk"];
    const std::string thumbprint = jwk.is_object() ? thumbprint_of(jwk) : std::string();
    const auto key = by_thumbprint_.find(thumbprint);
    if (key == by_thumbprint_.end()) return refused("jwk is none of the trusted keys");
    return DatedKey{key->second};
  }
  const auto id = model::string_member(token.header, "kid");
  if (!id) return refused("the header: " + id.error().detail);
  if (id->empty()) return refused("the header names no key");
  const auto key = by_id_.find(*id);
  if (key == by_id_.end())
    return refused("the kid is of no trusted key: " +
                   model::json_quote(id->size() > max_shown_id ? "(a long text)" : std::string_view(*id)));
  return DatedKey{key->second};
}

} // namespace berth::auth
