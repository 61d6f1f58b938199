#include "driver/s3/signer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "base/encoding.h"

namespace berth::driver::s3 {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
         text.size(), bytes.data(), &size);
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

// 20130524T000000Z
std::string amz_date(Time time) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::system_clock::duration>(
          std::chrono::floor<std::chrono::seconds>(time)));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts)};
}

std::string credential_scope(const Scope& scope, std::string_view date) {
  return std::string(date.substr(0, 8)) + "/" + scope.region + "/" + scope.service + "/aws4_request";
}

struct CanonicalHeaders {
  std::string lines, names;
};

CanonicalHeaders canonical(Pairs headers) {
  std::ranges::sort(headers);
  CanonicalHeaders all;
  for (const auto& [name, value] : headers) {
    all.lines += name + ":" + value + "\n";
    all.names += (all.names.empty() ? "" : ";") + name;
  }
  return all;
}

std::string signature(const Signable& request, const std::string& query, const CanonicalHeaders& headers,
                      const std::string& secret_key, const Scope& scope, std::string_view date) {
  const std::string canonical_request = std::string(request.method) + "\n" + std::string(request.path) + "\n" + query +
                                        "\n" + headers.lines + "\n" + headers.names + "\n" +
                                        std::string(request.payload_hash);
  const std::string to_sign = std::string(algorithm) + "\n" + std::string(date) + "\n" + credential_scope(scope, date) +
                              "\n" + sha256_hex(canonical_request);
  std::string key = hmac("AWS4" + secret_key, date.substr(0, 8));
  key = hmac(key, scope.region);
  key = hmac(key, scope.service);
  key = hmac(key, "aws4_request");
  return to_hex(hmac(key, to_sign));
}

} // namespace

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  ::EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, ::EVP_sha256(), nullptr);
  return to_hex({reinterpret_cast<const char*>(hash.data()), size});
}

std::string uri_encode(std::string_view text, Slash slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~' || (c == '/' && slash == Slash::kept);
    if (plain) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += digits[byte >> 4];
    encoded += digits[byte & 15];
  }
  return encoded;
}

std::string canonical_query(const Pairs& query) {
  Pairs encoded;
  for (const auto& [name, value] : query)
    encoded.emplace_back(uri_encode(name, Slash::encoded), uri_encode(value, Slash::encoded));
  std::ranges::sort(encoded);
  std::string text;
  for (const auto& [name, value] : encoded) text += (text.empty() ? "" : "&") + name + "=" + value;
  return text;
}

Pairs sign(const Signable& request, const Credentials& who, const Scope& scope, Time now) {
  const std::string date = amz_date(now);
  Pairs added{{"x-amz-date", date}};
  if (!who.session_token.empty()) added.emplace_back("x-amz-security-token", who.session_token);
  Pairs all = request.headers;
  all.insert(all.end(), added.begin(), added.end());
  all.emplace_back("host", request.host);
  const CanonicalHeaders headers = canonical(std::move(all));
  const std::string signed_by =
      signature(request, canonical_query(request.query), headers, who.secret_key, scope, date);
  added.emplace_back("Authorization", std::string(algorithm) + " Credential=" + who.access_key + "/" +
                                          credential_scope(scope, date) + ", SignedHeaders=" + headers.names +
                                          ", Signature=" + signed_by);
  return added;
}

std::string presigned_query(const Signable& request, const Credentials& who, const Scope& scope, Time now,
                            std::chrono::seconds good_for) {
  const std::string date = amz_date(now);
  Pairs query = request.query;
  query.emplace_back("X-Amz-Algorithm", algorithm);
  query.emplace_back("X-Amz-Credential", who.access_key + "/" + credential_scope(scope, date));
  query.emplace_back("X-Amz-Date", date);
  query.emplace_back("X-Amz-Expires", std::to_string(good_for.count()));
  query.emplace_back("X-Amz-SignedHeaders", "host");
  if (!who.session_token.empty()) query.emplace_back("X-Amz-Security-Token", who.session_token);
  const std::string text = canonical_query(query);
  const CanonicalHeaders headers = canonical({{"host", std::string(request.host)}});
  return text + "&X-Amz-Signature=" + signature(request, text, headers, who.secret_key, scope, date);
}

} // namespace berth::driver::s3
