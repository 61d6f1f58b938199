#include "model/tar.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/encoding.h"

namespace berth::model {
namespace {

std::unexpected<Error> broken(const char* what) { return fail(Code::invalid, std::string("tar: ") + what); }

std::string_view text_of(std::string_view field) { return field.substr(0, field.find('\0')); }

// An octal number, or GNU's base-256: the highest bit of the first byte set, big endian.
Result<std::int64_t> number_of(std::string_view field) {
  if (!field.empty() && (field[0] & 0x80) != 0) {
    std::uint64_t value = (field[0] & 0x40) != 0 ? ~std::uint64_t{0} : 0; // two's complement
    for (std::size_t i = 0; i < field.size(); ++i) {
      const auto byte = static_cast<unsigned char>(i == 0 ? (field[0] & 0x7f) | ((field[0] & 0x40) << 1) : field[i]);
      value = (value << 8) | byte;
    }
    return static_cast<std::int64_t>(value);
  }
  field = text_of(field);
  while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
  while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
  std::int64_t value = 0;
  if (field.empty()) return value;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, 8);
  if (error != std::errc() || end != field.data() + field.size()) return broken("a field is no octal number");
  return value;
}

// The sum of all bytes, the checksum's own counted as blanks; some archivers take the bytes for signed.
bool checksum_fits(std::string_view block, std::int64_t stated) {
  std::int64_t sum = 0, signed_sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const char c = i >= 148 && i < 156 ? ' ' : block[i];
    sum += static_cast<unsigned char>(c);
    signed_sum += static_cast<signed char>(c);
  }
  return stated == sum || stated == signed_sum;
}

constexpr std::pair<std::string_view, std::string TarEntry::*> pax_texts[] = {
    {"path", &TarEntry::name}, {"linkpath", &TarEntry::link}, {"uname", &TarEntry::uname}, {"gname", &TarEntry::gname}};
constexpr std::pair<std::string_view, std::int64_t TarEntry::*> pax_numbers[] = {
    {"size", &TarEntry::size}, {"uid", &TarEntry::uid}, {"gid", &TarEntry::gid}, {"mtime", &TarEntry::mtime}};

bool is_of_use(std::string_view key) {
  const auto is_it = [&](const auto& one) { return one.first == key; };
  return std::ranges::any_of(pax_texts, is_it) || std::ranges::any_of(pax_numbers, is_it);
}

// `<length> <key>=<value>\n`, one after another.
Result<> read_pax(std::string_view text, std::map<std::string, std::string>& records) {
  while (!text.empty()) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    const auto digits = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || length > text.size() || length < digits + 2 || text[digits] != ' ' ||
        text[length - 1] != '\n')
      return broken("a PAX record is malformed");
    const std::string_view record = text.substr(digits + 1, length - digits - 2);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) return broken("a PAX record has no value");
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (is_of_use(key)) {
      if (value.size() > TarReader::max_text_bytes) return broken("a PAX record is too long");
      records[std::string(key)] = value;
    }
    text.remove_prefix(length);
  }
  return {};
}

// Whole seconds of a PAX number, which may have a fraction.
Result<std::int64_t> pax_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || (end != text.data() + text.size() && *end != '.'))
    return broken("a PAX number is malformed");
  return value;
}

// Entries that are nothing but a header, whatever size they state: links, devices, directories, FIFOs.
bool is_header_only(char type) { return type >= '1' && type <= '6'; }

} // namespace

Result<> TarReader::apply(TarEntry& entry, const std::map<std::string, std::string>& records) {
  for (const auto& [key, member] : pax_texts)
    if (const auto found = records.find(std::string(key)); found != records.end()) entry.*member = found->second;
  for (const auto& [key, member] : pax_numbers)
    if (const auto found = records.find(std::string(key)); found != records.end()) {
      BERTH_TRY(entry.*member, pax_number(found->second));
    }
  return {};
}

Result<> TarReader::take_header() {
  const std::string_view block = block_;
  if (block.find_first_not_of('\0') == std::string_view::npos) {
    ended_ = true; // the first of two blocks of zeros; bytes after it are ignored
    return {};
  }
  BERTH_TRY(const std::int64_t checksum, number_of(block.substr(148, 8)));
  if (!checksum_fits(block, checksum)) return broken("a header's checksum is wrong");
  TarEntry entry;
  entry.name = text_of(block.substr(0, 100));
  BERTH_TRY(entry.mode, number_of(block.substr(100, 8)));
  BERTH_TRY(entry.uid, number_of(block.substr(108, 8)));
  BERTH_TRY(entry.gid, number_of(block.substr(116, 8)));
  BERTH_TRY(entry.size, number_of(block.substr(124, 12)));
  BERTH_TRY(entry.mtime, number_of(block.substr(136, 12)));
  entry.type = block[156];
  entry.link = text_of(block.substr(157, 100));
  if (block.substr(257, 5) == "ustar") {
    entry.uname = text_of(block.substr(265, 32));
    entry.gname = text_of(block.substr(297, 32));
    BERTH_TRY(entry.device_major, number_of(block.substr(329, 8)));
    BERTH_TRY(entry.device_minor, number_of(block.substr(337, 8)));
    const std::string_view prefix = text_of(block.substr(345, 155));
    if (block[262] == '\0' && !prefix.empty()) entry.name = std::string(prefix) + "/" + entry.name;
  }
  return begin_entry(std::move(entry));
}

Result<> TarReader::begin_entry(TarEntry entry) {
  constexpr std::string_view extensions = "LKxg";
  if (extensions.find(entry.type) != std::string_view::npos && entry.type != '\0') {
    const std::size_t most = entry.type == 'L' || entry.type == 'K' ? max_text_bytes : max_extension_bytes;
    if (entry.size < 0 || std::cmp_greater(entry.size, most)) return broken("an extension is too long");
    extension_type_ = entry.type;
    extension_.clear();
    extension_.reserve(static_cast<std::size_t>(entry.size));
  } else {
    BERTH_CHECK(apply(entry, global_));
    BERTH_CHECK(apply(entry, local_));
    if (!long_name_.empty()) entry.name = std::exchange(long_name_, {});
    if (!long_link_.empty()) entry.link = std::exchange(long_link_, {});
    local_.clear();
    if (entry.size < 0) return broken("an entry has a negative size");
  }
  data_left_ = is_header_only(entry.type) ? 0 : static_cast<std::uint64_t>(entry.size);
  padding_left_ = (block_bytes - data_left_ % block_bytes) % block_bytes;
  if (extension_type_ == '\0') return visitor_.begin(entry);
  return data_left_ == 0 ? take_extension() : Result<>();
}

Result<> TarReader::take_extension() {
  switch (std::exchange(extension_type_, '\0')) {
  case 'L': long_name_ = text_of(extension_); return {};
  case 'K': long_link_ = text_of(extension_); return {};
  case 'x': return read_pax(extension_, local_);
  default: return read_pax(extension_, global_);
  }
}

Result<> TarReader::update(std::span<const std::byte> bytes) {
  while (!bytes.empty() && !ended_) {
    if (data_left_ > 0) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), data_left_));
      data_left_ -= count;
      if (extension_type_ == '\0')
        BERTH_CHECK(visitor_.data(bytes.first(count)));
      else
        extension_ += as_text(bytes.first(count));
      bytes = bytes.subspan(count);
      if (data_left_ == 0 && extension_type_ != '\0') BERTH_CHECK(take_extension());
    } else if (padding_left_ > 0) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), padding_left_));
      padding_left_ -= count;
      bytes = bytes.subspan(count);
    } else {
      const std::size_t count = std::min(bytes.size(), block_bytes - block_.size());
      block_ += as_text(bytes.first(count));
      bytes = bytes.subspan(count);
      if (block_.size() < block_bytes) continue;
      BERTH_CHECK(take_header());
      block_.clear();
    }
  }
  return {};
}

Result<> TarReader::finish() const {
  if (data_left_ > 0 || !block_.empty() || extension_type_ != '\0') return broken("it ends inside an entry");
  return {};
}

} // namespace berth::model
