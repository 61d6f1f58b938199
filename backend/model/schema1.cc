#include "model/schema1.h"

#include <algorithm>
#include <array>

#include "model/jose_base64.h"
#include "model/json_text.h"
#include "model/media_types.h"
#include "model/strict_json.h"

namespace berth::model {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::unexpected<Error> invalid(std::string detail) { return fail(Code::manifest_invalid, {}, std::move(detail)); }

// How a payload is laid out: where signatures go, and how deep.
struct Format {
  std::size_t length = 0; // of what stands before the signatures
  std::string tail;       // the rest: blanks and the last brace
  std::string indent;     // empty: all on one line
};

// Errors: manifest_invalid unless it ends as an object with members does.
Result<Format> format_of(std::string_view payload) {
  const std::size_t brace = payload.find_last_not_of(blanks);
  if (brace == std::string_view::npos || brace == 0 || payload[brace] != '}')
    return invalid("the signed content is no JSON object");
  const std::size_t last = payload.find_last_not_of(blanks, brace - 1);
  if (last == std::string_view::npos || payload[last] == ',') return invalid("the signed content is no JSON object");
  Format format{last + 1, std::string(payload.substr(last + 1)), {}};
  const std::size_t quote = payload.find('"');
  if (payload.starts_with("{\n") && quote != std::string_view::npos) format.indent = payload.substr(2, quote - 2);
  return format;
}

std::string header_protected(const Format& format, Time now) {
  return to_jose_base64(R"({"formatLength":)" + std::to_string(format.length) + R"(,"formatTail":)" +
                        json_quote(to_jose_base64(format.tail)) + R"(,"time":)" + json_quote(to_rfc3339(now)) + "}");
}

// Returns the bytes that a signature is made over.
std::string signed_bytes(std::string_view header, std::string_view payload) {
  return std::string(header) + "." + to_jose_base64(payload);
}

// One element of `signatures`, read but not verified.
struct Block {
  std::string algorithm;
  std::string signature; // as it stands in the document, like header
  std::string header;    // `protected`
  std::size_t length = 0;
  std::string tail;
  PublicKey key;
  std::vector<std::string> chain; // x5c
  bool has_jwk = false;
};

Result<std::string> bytes_of(const std::string& text, const char* what) {
  auto bytes = from_jose_base64(text);
  if (!bytes) return invalid(std::string(what) + " is not base64url");
  return bytes;
}

// Certificates are in the ordinary base64, RFC 7515 section 4.1.6.
Result<PublicKey> key_of_certificate(std::string text) {
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  BERTH_TRY(const std::string der, bytes_of(text, "x5c"));
  return PublicKey::from_certificate(der);
}

Result<Block> read_block(const Json& element) {
  if (!element.is_object() || !has_value(element, "header") || !element["header"].is_object())
    return invalid("a signature without a header");
  const Json& header = element["header"];
  BERTH_TRY(const std::string algorithm, string_member(header, "alg"));
  BERTH_TRY(const std::string signature, string_member(element, "signature"));
  BERTH_TRY(const std::string protected_text, string_member(element, "protected"));
  BERTH_TRY(const std::string protected_bytes, bytes_of(protected_text, "protected"));
  BERTH_TRY(const Json format, parse_json(protected_bytes, Duplicates::refused));
  const auto length = format.find("formatLength");
  if (length == format.end() || !length->is_number_unsigned() || *length > max_manifest_bytes)
    return invalid("formatLength is missing or out of range");
  if (!has_value(format, "formatTail")) return invalid("formatTail is missing");
  BERTH_TRY(const std::string tail_text, string_member(format, "formatTail"));
  BERTH_TRY(std::string tail, bytes_of(tail_text, "formatTail"));

  const bool has_jwk = has_value(header, "jwk");
  BERTH_TRY(auto chain, strings_member(header, "x5c"));
  if (chain.empty() && !has_jwk) return invalid("a signature without a key");
  BERTH_TRY(PublicKey key,
            chain.empty() ? PublicKey::from_jwk(header["jwk"].dump()) : key_of_certificate(chain.front()));
  return Block{algorithm,       signature,      protected_text,   length->get<std::size_t>(),
               std::move(tail), std::move(key), std::move(chain), has_jwk};
}

// The block as libtrust writes it. A JWK beside a certificate is not its key, and goes.
std::string write_block(const Block& block) {
  std::string json = R"({"header":{)";
  if (block.chain.empty()) json += R"("jwk":)" + block.key.jwk() + ",";
  json += R"("alg":)" + json_quote(block.algorithm);
  for (std::size_t i = 0; i < block.chain.size(); ++i)
    json += (i == 0 ? R"(,"x5c":[)" : ",") + json_quote(block.chain[i]);
  if (!block.chain.empty()) json += "]";
  return json + R"(},"signature":)" + json_quote(block.signature) + R"(,"protected":)" + json_quote(block.header) + "}";
}

// Errors: manifest_invalid, manifest_unverified.
Result<Schema1Signature> verify(const Block& block, std::string_view payload) {
  BERTH_TRY(const std::string signature, bytes_of(block.signature, "signature"));
  BERTH_CHECK(block.key.verify(block.algorithm, signed_bytes(block.header, payload), signature));
  std::string text = write_block(block);
  if (text.size() > max_schema1_signature_bytes) return invalid("a signature of more than 32 KiB");
  return Schema1Signature{block.key.id(), block.signature, std::move(text)};
}

Result<std::vector<Block>> read_blocks(const Json& document) {
  if (!has_value(document, "signatures")) return invalid("missing signatures");
  const Json& elements = document["signatures"];
  if (!elements.is_array() || elements.empty()) return invalid("signatures is not an array, or empty");
  if (elements.size() > max_schema1_signatures) return invalid("more than 32 signatures");
  std::vector<Block> blocks;
  for (const Json& element : elements) {
    BERTH_TRY(Block block, read_block(element));
    if (!blocks.empty() && (block.length != blocks.front().length || block.tail != blocks.front().tail))
      return invalid("the signatures are of different contents");
    blocks.push_back(std::move(block));
  }
  return blocks;
}

// Signatures in the order of libtrust, each once.
void put_in_order(std::vector<Schema1Signature>& signatures) {
  const auto key = [](const Schema1Signature& s) { return std::tie(s.key_id, s.signature); };
  std::ranges::stable_sort(signatures, {}, key);
  const auto repeated = std::ranges::unique(signatures, {}, key);
  signatures.erase(repeated.begin(), repeated.end());
}

// The length of an array of objects, each with a string of this name. Errors: manifest_invalid.
Result<std::size_t> length_of(const Json& payload, const char* array, const char* member) {
  if (!has_value(payload, array)) return std::size_t{0};
  if (!payload[array].is_array()) return invalid(std::string(array) + " is not an array");
  for (const Json& element : payload[array]) {
    if (!element.is_object()) return invalid(std::string(array) + " holds something else than objects");
    BERTH_CHECK(string_member(element, member));
  }
  return payload[array].size();
}

} // namespace

bool may_be_schema1(std::string_view content_type) {
  constexpr std::array<std::string_view, 4> types{"", "application/json", media::docker_schema1,
                                                  media::docker_schema1_signed};
  return std::ranges::find(types, content_type) != types.end();
}

Result<SignedSchema1> parse_signed_schema1(std::string_view bytes) {
  if (bytes.size() > max_manifest_bytes) return fail(Code::manifest_too_large);
  BERTH_TRY(const Json document, parse_json(bytes, Duplicates::refused));
  BERTH_TRY(const std::vector<Block> blocks, read_blocks(document));
  const Block& first = blocks.front();
  if (first.length > bytes.size()) return invalid("formatLength is missing or out of range");
  std::string payload = std::string(bytes.substr(0, first.length)) + first.tail;

  // Only what is signed counts from here on.
  BERTH_TRY(const Json content, parse_json(payload, Duplicates::refused));
  BERTH_TRY(const Format format, format_of(payload));
  // Else the signatures could not be put back where their own headers say that they are.
  if (format.length != first.length) return invalid("formatLength is not where the content ends");
  if (content.contains("signatures")) return invalid("signatures within the signed content");
  BERTH_TRY(ManifestInfo info, detect_manifest(payload));
  if (info.kind != ManifestKind::schema1) return invalid("unrecognized manifest schema version");
  BERTH_TRY(const std::string name_text, string_member(content, "name"));
  BERTH_TRY(RepositoryName name, RepositoryName::parse(name_text));
  BERTH_TRY(std::string tag, string_member(content, "tag"));
  BERTH_TRY(const std::size_t layers, length_of(content, "fsLayers", "blobSum"));
  BERTH_TRY(const std::size_t history, length_of(content, "history", "v1Compatibility"));
  if (history != layers)
    return invalid("mismatched history and fslayer cardinality " + std::to_string(history) +
                   " != " + std::to_string(layers));
  if (info.contents.size() != layers) return fail(Code::digest_invalid, {}, "a blobSum is no digest");

  std::vector<Schema1Signature> signatures;
  for (const Block& block : blocks) {
    BERTH_TRY(Schema1Signature signature, verify(block, payload));
    signatures.push_back(std::move(signature));
  }
  put_in_order(signatures);
  return SignedSchema1{std::move(payload), std::move(name), std::move(tag), std::move(info), std::move(signatures)};
}

Result<Schema1Signature> parse_schema1_signature(std::string_view payload, std::string_view block_text) {
  BERTH_TRY(const Format format, format_of(payload));
  BERTH_TRY(const Json element, parse_json(block_text, Duplicates::allowed));
  BERTH_TRY(const Block block, read_block(element));
  if (block.length != format.length || block.tail != format.tail) return invalid("a signature of another content");
  return verify(block, payload);
}

Result<Schema1Signature> sign_schema1(std::string_view payload, const SigningKey& key, Time now) {
  BERTH_TRY(const Format format, format_of(payload));
  Block block{std::string(key.algorithm()), {}, header_protected(format, now), 0, {}, key.public_key(), {}, true};
  BERTH_TRY(const std::string signature, key.sign(signed_bytes(block.header, payload)));
  block.signature = to_jose_base64(signature);
  return Schema1Signature{block.key.id(), block.signature, write_block(block)};
}

std::string assemble_schema1(std::string_view payload, std::vector<Schema1Signature> signatures) {
  put_in_order(signatures);
  std::string blocks = "[";
  for (const Schema1Signature& signature : signatures) blocks += (blocks.size() > 1 ? "," : "") + signature.block;
  blocks += "]";
  const Format format = format_of(payload).value_or(Format{payload.size(), {}, {}});
  std::string document(payload.substr(0, format.length));
  if (format.indent.empty()) return document + R"(,"signatures":)" + blocks + "}";
  return document + ",\n" + format.indent + R"("signatures": )" + json_indent(blocks, format.indent, format.indent) +
         "\n}";
}

std::string schema1_payload(const RepositoryName& name, std::string_view tag, const V1Chain& chain) {
  std::string layers, history;
  for (const V1Image& image : chain.images) {
    const std::string comma = layers.empty() ? "" : ",";
    layers += comma + R"({"blobSum":)" + json_quote(image.blob.str()) + "}";
    history += comma + R"({"v1Compatibility":)" + json_quote(image.json) + "}";
  }
  return json_indent(R"({"schemaVersion":1,"name":)" + json_quote(name.str()) + R"(,"tag":)" + json_quote(tag) +
                         R"(,"architecture":)" + json_quote(chain.architecture) + R"(,"fsLayers":[)" + layers +
                         R"(],"history":[)" + history + "]}",
                     "", "   ");
}

} // namespace berth::model
