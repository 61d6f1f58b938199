#include "app/pool/signing_key.h"

#include "app/pool/secret.h"
#include "base/small_file.h"

namespace berth::app {
namespace {

constexpr std::size_t max_key_file_bytes = 64 * 1024;

} // namespace

Result<model::SigningKey> signing_key(const config::Config& config, Random& random) {
  const std::string& path = config.schema1.signing_key_file;
  if (path.empty()) {
    const auto make = []() -> Result<std::string> {
      BERTH_TRY(const auto key, model::SigningKey::generate());
      return key.pem();
    };
    const auto check = [](const std::string& text) -> Result<> {
      BERTH_CHECK(model::SigningKey::parse(text));
      return {};
    };
    BERTH_TRY(const std::string text,
              load_or_create(config.berth.state_directory, {"signing-key.pem", make, check}, random));
    return model::SigningKey::parse(text);
  }
  BERTH_TRY(const std::string text, read_small_file(path, max_key_file_bytes));
  auto key = model::SigningKey::parse(text);
  if (!key)
    return fail(Code::invalid, "compatibility.schema1.signingkeyfile: \"" + path + "\": allowed is a private key on " +
                                   "P-256, P-384 or P-521 or of RSA, as PEM or JWK: " + key.error().message);
  return key;
}

} // namespace berth::app
