// Digests. Input: the text of a digest.
#include "model/digest.h"
#include "driver/storage_driver.h"
#include "fuzz/oracle.h"
#include "storage/paths.h"

using namespace berth;
using namespace berth::fuzz;
using model::CanonicalDigest;
using model::Digest;

namespace {

const std::string computed = "sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}";
const Grammar grammar(computed);
const Grammar stored("(tarsum(\\.v1|\\.dev)?\\+)?(" + computed + ")");

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

void check(const Digest& digest, std::string_view text) {
  require(digest.str() == text);
  require(digest == Digest::parse(text).value());
  require(std::string(name_of(digest.algorithm())) + ":" + std::string(digest.hex()) == text);
  require(digest.hex().size() == hex_length_of(digest.algorithm()));
  require(Digest::of(digest.algorithm(), from_hex(digest.hex())) == digest);

  const auto name = model::RepositoryName::parse("team/app").value();
  require(driver::is_path(storage::paths::layer_link(name, digest)));
  require(driver::is_path(storage::paths::revision_link(name, digest)));
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = text_of(bytes, size);
  const auto digest = Digest::parse(text);
  const auto canonical = CanonicalDigest::parse(text);
  require(digest.has_value() == grammar.matches(text));
  require(canonical.has_value() == (digest && digest->algorithm() == model::Algorithm::sha256));
  if (digest)
    check(*digest, text);
  else
    require(is(digest.error(), Code::digest_invalid));
  const auto known = Digest::parse_stored(text);
  require(known.has_value() == stored.matches(text));
  if (known) {
    require(known->str() == text && std::string(known->label()) + ":" + std::string(known->hex()) == text);
    require(digest.has_value() == (known->algorithm() != model::Algorithm::tarsum));
    require(driver::is_path(storage::paths::layer_link(model::RepositoryName::parse("team/app").value(), *known)));
  }
  if (canonical)
    require(*canonical == *digest && driver::is_path(storage::paths::blob_data(*canonical)));
  else
    require(is(canonical.error(), Code::digest_invalid));
  return 0;
}
