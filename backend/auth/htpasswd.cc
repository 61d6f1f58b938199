#include "auth/htpasswd.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/encoding.h"

namespace berth::auth {
namespace {

constexpr std::string_view blanks = " \t\r\v\f";
constexpr std::string_view prefix = "$2b$";              // what crypt(3) is asked with, whatever the letter in the file
constexpr std::size_t prefix_length = prefix.size() + 3; // with the cost: $2b$05$
constexpr std::size_t salt_length = 22;
constexpr std::size_t digest_length = 31;
constexpr std::size_t hash_length = prefix_length + salt_length + digest_length;
constexpr std::size_t max_password_bytes = 72; // that bcrypt looks at
constexpr std::size_t max_name_bytes = 255;
constexpr std::size_t stamp_bytes = 16;
constexpr int lowest_cost = 4, highest_cost = 31, highest_made_cost = 17;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_bcrypt_digit(char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '/'; }

int cost_of(std::string_view hash) { return (hash[4] - '0') * 10 + (hash[5] - '0'); }

std::string with_cost(int cost) {
  std::string text(prefix);
  text += static_cast<char>('0' + cost / 10);
  text += static_cast<char>('0' + cost % 10);
  return text + '$';
}

// The hash at the beginning of what follows a name, with the prefix that crypt(3) is asked with; empty if it is of
// another kind.
std::string bcrypt_of(std::string_view text) {
  if (text.size() < hash_length || !text.starts_with("$2") || !is_letter(text[2]) || text[3] != '$' ||
      !is_digit(text[4]) || !is_digit(text[5]) || text[6] != '$')
    return {};
  text = text.substr(0, hash_length);
  if (cost_of(text) < lowest_cost || cost_of(text) > highest_cost ||
      !std::ranges::all_of(text.substr(prefix_length), is_bcrypt_digit))
    return {};
  return std::string(prefix).append(text.substr(prefix.size()));
}

std::string stamp_from(std::string_view user, std::string_view hash) {
  std::string text = "berth user stamp";
  text.append(user).append(":").append(hash); // no name has a colon
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return to_hex(as_text(std::as_bytes(std::span(digest)).first(stamp_bytes)));
}

// crypt(3) of a password of at most 72 bytes without a NUL; empty on errors.
std::string hash_of(std::string_view password, const std::string& setting) {
  std::array<char, max_password_bytes + 1> phrase{};
  std::ranges::copy(password, phrase.begin());
  const auto data = std::make_unique<crypt_data>(); // 32 KiB
  const char* hash = crypt_r(phrase.data(), setting.c_str(), data.get());
  std::string result = hash != nullptr && hash[0] != '*' ? hash : "";
  OPENSSL_cleanse(phrase.data(), phrase.size());
  OPENSSL_cleanse(data.get(), sizeof(*data));
  return result;
}

} // namespace

Result<Htpasswd> Htpasswd::parse(std::string_view text) {
  Htpasswd result;
  int cost = 0;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    line = line.substr(0, line.find_last_not_of(blanks) + 1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos)
      return fail(Code::invalid, "line " + std::to_string(number) + " has no colon between user and hash");
    if (colon == 0) continue;
    const std::string_view user = line.substr(0, colon), hash = line.substr(colon + 1);
    Entry entry{bcrypt_of(hash), stamp_from(user, hash)};
    if (!entry.hash.empty()) cost = std::max(cost, cost_of(entry.hash));
    result.entries_.insert_or_assign(std::string(user), std::move(entry));
  }
  result.slowest_ = with_cost(cost == 0 ? default_bcrypt_cost : cost) + std::string(salt_length, '.');
  return result;
}

const Htpasswd::Entry* Htpasswd::find(std::string_view user) const {
  const auto found = entries_.find(user);
  return found == entries_.end() ? nullptr : &found->second;
}

bool Htpasswd::is_right(const Entry* entry, std::string_view password) const {
  const bool known = entry != nullptr && !entry->hash.empty();
  password = password.substr(0, max_password_bytes);
  const bool possible = known && password.find('\0') == std::string_view::npos; // crypt(3) would stop there
  const std::string hash = hash_of(password, known ? entry->hash : slowest_);
  return possible && hash.size() == hash_length &&
         CRYPTO_memcmp(hash.data() + hash_length - digest_length, entry->hash.data() + hash_length - digest_length,
                       digest_length) == 0;
}

std::string Htpasswd::stamp_of(std::string_view user) const {
  const Entry* const entry = find(user);
  return entry != nullptr ? entry->stamp : std::string();
}

Result<Caller> Htpasswd::check(std::string_view user, std::string_view password) const {
  const Entry* const entry = find(user);
  if (!is_right(entry, password)) return fail(Code::unauthorized);
  return Caller{std::string(user), entry->stamp};
}

Result<std::string> htpasswd_line(std::string_view user, std::string_view password, int cost, Random& random) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (user.empty() || user.size() > max_name_bytes || user.front() == '#' || user.front() == ' ' ||
      user.back() == ' ' || user.find(':') != std::string_view::npos || std::ranges::any_of(user, is_control))
    return fail(Code::invalid, "a user's name has 1 to 255 bytes, no colon and no control characters, and neither "
                               "begins with # nor begins or ends with a blank");
  if (password.empty() || password.size() > max_password_bytes || password.find('\0') != std::string_view::npos)
    return fail(Code::invalid, "a password has 1 to 72 bytes, and no NUL: bcrypt would not look at more");
  if (cost < lowest_cost || cost > highest_made_cost) return fail(Code::invalid, "the cost is a number from 4 to 17");
  std::array<std::byte, 16> salt;
  random.fill(salt);
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting;
  if (crypt_gensalt_rn("$2y$", static_cast<unsigned long>(cost), reinterpret_cast<const char*>(salt.data()),
                       static_cast<int>(salt.size()), setting.data(), static_cast<int>(setting.size())) == nullptr)
    return fail(Code::io, "crypt(3) makes no bcrypt here");
  const std::string hash = hash_of(password, setting.data());
  if (hash.size() != hash_length) return fail(Code::io, "crypt(3) makes no bcrypt here");
  return std::string(user) + ":" + hash;
}

} // namespace berth::auth
