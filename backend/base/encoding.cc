#include "base/encoding.h"

#include <array>
#include <cstdint>

namespace berth {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Values = std::array<int, 256>; // of characters; -1: not of the alphabet

constexpr Values values_with(char second_last, char last) {
  Values values{};
  values.fill(-1);
  for (std::size_t i = 0; i + 2 < base64_alphabet.size(); ++i)
    values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<int>(i);
  values[static_cast<unsigned char>(second_last)] = 62;
  values[static_cast<unsigned char>(last)] = 63;
  return values;
}
constexpr Values url_values = values_with('-', '_'), standard_values = values_with('+', '/');

Result<std::string> decode(std::string_view text, const Values& values, const std::string& name) {
  if (text.size() % 4 != 0) return fail(Code::invalid, name + ": the length is not a multiple of four");
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = last ? (text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2) : 0;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4 - padding; ++k) {
      const int value = values[static_cast<unsigned char>(text[i + k])];
      if (value < 0) return fail(Code::invalid, name + ": a character outside the alphabet");
      group |= static_cast<std::uint32_t>(value) << (18 - 6 * k);
    }
    for (std::size_t k = 0; k < 3 - padding; ++k) bytes += static_cast<char>(group >> (16 - 8 * k) & 255);
  }
  return bytes;
}

} // namespace

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) {
    text += hex_digits[byte >> 4];
    text += hex_digits[byte & 15];
  }
  return text;
}

Result<std::string> from_hex(std::string_view hex) {
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  const auto value_of = [](char digit) { return std::string_view(hex_digits).find(digit); };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const std::size_t high = value_of(hex[i]), low = value_of(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) break;
    bytes += static_cast<char>(high << 4 | low);
  }
  if (bytes.size() * 2 != hex.size()) return fail(Code::invalid, "not hexadecimal");
  return bytes;
}

std::string to_base64url(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= have ? base64_alphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

Result<std::string> from_base64url(std::string_view text) { return decode(text, url_values, "base64url"); }

Result<std::string> from_base64(std::string_view text) { return decode(text, standard_values, "base64"); }

} // namespace berth
